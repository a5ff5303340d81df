// SPDX-License-Identifier: Apache-2.0
import type { Subject } from '../../policy/why/subject.ts';
import { MacvtapError } from '../../runtime/errors.ts';

/** The names by which kubectl knows each kind. */
const kinds: Readonly<Record<Subject['kind'], readonly string[]>> = {
  pod: ['pod', 'pods', 'po'],
  nad: ['nad', 'net-attach-def', 'network-attachment-definition', 'network-attachment-definitions'],
  node: ['node', 'nodes', 'no'],
  policy: ['policy', 'policies', 'mvnnp', 'macvtapnetworknodepolicy', 'macvtapnetworknodepolicies'],
};

export interface Namespaces {
  /** `-n`, or the context's. */
  readonly given: string | undefined;
  /** Where policies are. */
  readonly installation: string;
  readonly context: string;
}

/** The kinds that can be asked about, each as it is written shortest. */
export const subjectKinds = Object.keys(kinds) as readonly Subject['kind'][];

/** The kind that a word stands for, as kubectl takes it; undefined for any other. */
export function kindNamed(written: string): Subject['kind'] | undefined {
  const resource = written.toLowerCase().replace(/\.(k8s\.cni\.cncf\.io|macvtap\.network\.kubevirt\.io)$/, '');
  return subjectKinds.find((one) => kinds[one].includes(resource));
}

/** Reads `pod/vm`. Raises InvalidFlags. */
export function parseSubject(text: string, { given, installation, context }: Namespaces): Subject {
  const [written = '', name = '', ...more] = text.split('/');
  const kind = kindNamed(written);
  if (kind === undefined || name === '' || more.length > 0) {
    throw new MacvtapError('InvalidFlags', `${text}: write pod/NAME, nad/NAME, node/NAME or policy/NAME`);
  }
  if (kind === 'node') return { kind, name };
  return { kind, name, namespace: given ?? (kind === 'policy' ? installation : context) };
}
