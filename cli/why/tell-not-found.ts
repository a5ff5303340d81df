// SPDX-License-Identifier: Apache-2.0
import { nearestNames } from '../../policy/nearest-names.ts';
import { kindNames, nameOf, type Subject } from '../../policy/why/subject.ts';
import type { WhyFacts } from '../../policy/why/why-facts.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { View } from '../view/view.ts';
import { subjectResources } from './subject-resources.ts';

/** ObjectNotFound, with the names that may have been meant and where else there is one of that name. */
export async function tellNotFound(view: View, subject: Subject, facts: WhyFacts): Promise<MacvtapError> {
  const before = view.missing.length;
  const kind = subjectResources[subject.kind];
  const namespace = subject.kind === 'node' ? {} : { namespace: subject.namespace };
  const objects = await view.list({ kind, ...namespace });
  const what = `${kindNames[subject.kind]} ${nameOf(subject)}`;
  if (objects === undefined) {
    const why = view.missing.slice(before).at(-1) ?? view.missing.find(({ message }) => message.includes(kind));
    return new MacvtapError(
      'ObjectNotFound',
      `${what}: cannot be looked for: ${why?.message ?? 'no right to list such'}`,
    );
  }
  const near = nearestNames(
    subject.name,
    objects.map(({ metadata }) => metadata.name),
  );
  const elsewhere = spacesOf(subject, facts);
  const hints = [
    ...(near.length === 0 ? [] : [`did you mean ${near.join(' or ')}?`]),
    ...(elsewhere.length === 0 ? [] : [`there is one in namespace ${elsewhere.slice(0, 3).join(', ')}: say -n`]),
  ];
  return new MacvtapError(
    'ObjectNotFound',
    `${what}: there is none${hints.length === 0 ? '; check the name, and -n' : `; ${hints.join('; ')}`}`,
  );
}

/** Other namespaces with an object of the name, among what was read anyway. */
function spacesOf(subject: Subject, { networks, policies }: WhyFacts): readonly string[] {
  const keys = { nad: [...networks.keys()], policy: policies.map(({ id }) => id), pod: [], node: [] }[subject.kind];
  return keys.filter((key) => key.endsWith(`/${subject.name}`)).map((key) => key.slice(0, key.indexOf('/')));
}
