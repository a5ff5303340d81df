// SPDX-License-Identifier: Apache-2.0
import { nearestNames } from '../../policy/names.ts';
import { kindNames, nameOf, type Subject, type WhyFacts } from '../../policy/why/why-facts.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { ObjectKind } from '../view/objects.ts';
import type { View } from '../view/view.ts';

/** The names that kubectl accepts for each kind. */
const kinds: Readonly<Record<Subject['kind'], readonly string[]>> = {
  pod: ['pod', 'pods', 'po'],
  nad: ['nad', 'net-attach-def', 'network-attachment-definition', 'network-attachment-definitions'],
  node: ['node', 'nodes', 'no'],
  policy: ['policy', 'policies', 'mvnnp', 'macvtapnetworknodepolicy', 'macvtapnetworknodepolicies'],
};

export interface Namespaces {
  /** The namespace of the flag `-n`. */
  readonly given: string | undefined;
  /** The installation's namespace, which contains the policies. */
  readonly installation: string;
  readonly context: string;
}

/** The kinds that `why` can explain, each by its shortest name. */
export const subjectKinds = Object.keys(kinds) as readonly Subject['kind'][];

/** Returns the kind for a name in kubectl, or undefined if there is none. */
export function kindNamed(written: string): Subject['kind'] | undefined {
  const resource = written.toLowerCase().replace(/\.(k8s\.cni\.cncf\.io|macvtap\.network\.kubevirt\.io)$/, '');
  return subjectKinds.find((one) => kinds[one].includes(resource));
}

/** Reads a subject such as `pod/vm`. Raises InvalidFlags. */
export function parseSubject(text: string, { given, installation, context }: Namespaces): Subject {
  const [written = '', name = '', ...more] = text.split('/');
  const kind = kindNamed(written);
  if (kind === undefined || name === '' || more.length > 0) {
    throw new MacvtapError(
      'InvalidFlags',
      `${text}: write pod/NAME, nad/NAME, node/NAME, policy/NAME, or a workload like deployment/NAME or vm/NAME`,
    );
  }
  if (kind === 'node') return { kind, name };
  return { kind, name, namespace: given ?? (kind === 'policy' ? installation : context) };
}

/** The API resource of each kind of subject. */
export const subjectResources = {
  pod: 'pods',
  nad: 'network-attachment-definitions',
  node: 'nodes',
  policy: 'macvtapnetworknodepolicies',
} as const satisfies Record<Subject['kind'], ObjectKind>;

/** Creates an ObjectNotFound error with similar names, and with other namespaces that have an object with this name. */
export async function notFoundError(view: View, subject: Subject, facts: WhyFacts): Promise<MacvtapError> {
  const before = view.missing.length;
  const kind = subjectResources[subject.kind];
  const namespace = subject.kind === 'node' ? {} : { namespace: subject.namespace };
  const objects = await view.list({ kind, ...namespace });
  const what = `${kindNames[subject.kind]} ${nameOf(subject)}`;
  if (objects === undefined) {
    const why = view.missing.slice(before).at(-1) ?? view.missing.find(({ message }) => message.includes(kind));
    return new MacvtapError(
      'ObjectNotFound',
      `${what}: cannot be read: ${why?.message ?? `the right to list ${kind} is missing`}`,
    );
  }
  const near = nearestNames(
    subject.name,
    objects.map(({ metadata }) => metadata.name),
  );
  const elsewhere = spacesOf(subject, facts);
  const hints = [
    ...(near.length === 0 ? [] : [`did you mean ${near.join(' or ')}?`]),
    ...(elsewhere.length === 0 ? [] : [`there is one in namespace ${elsewhere.slice(0, 3).join(', ')}: add -n`]),
  ];
  return new MacvtapError(
    'ObjectNotFound',
    `${what}: not found${hints.length === 0 ? '; check the name, and -n' : `; ${hints.join('; ')}`}`,
  );
}

/** Returns other namespaces that have an object with this name. Considers only objects that were already read. */
function spacesOf(subject: Subject, { networks, policies }: WhyFacts): readonly string[] {
  const keys = { nad: [...networks.keys()], policy: policies.map(({ id }) => id), pod: [], node: [] }[subject.kind];
  return keys.filter((key) => key.endsWith(`/${subject.name}`)).map((key) => key.slice(0, key.indexOf('/')));
}
