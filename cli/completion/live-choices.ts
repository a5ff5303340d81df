// SPDX-License-Identifier: Apache-2.0
import { explicitConfigMap } from '../../policy/plan/read-explicit.ts';
import { kindNames, type Subject } from '../../policy/why/subject.ts';
import type { ViewFlags } from '../view/view-flags.ts';
import { kindNamed, parseSubject, subjectKinds } from '../why/parse-subject.ts';
import { subjectResources } from '../why/subject-resources.ts';
import { type Candidate, plain } from './candidate.ts';
import { listContexts, listNames, namespaceOf } from './list-names.ts';

/** What a command line says so far of where to look. */
export type CompletionFlags = Partial<ViewFlags> & { readonly namespace?: string | undefined };

type Choices = (
  word: string,
  flags: CompletionFlags,
  /** Arguments before the word. */
  before: readonly string[],
) => Promise<readonly Candidate[]>;

/** Positional arguments that name something of the cluster. */
export const positionalChoices: Readonly<Record<string, Choices>> = {
  object: (word, flags) => completeObject(word, flags, subjectKinds),
  'name?': async (word, flags, [kind = '']) => {
    if (kind.includes('/')) return [];
    const objects = await completeObject(`${kind}/${word}`, flags, subjectKinds);
    return objects.map(({ text }) => plain(text.slice(kind.length + 1)));
  },
};

/** Values of flags that name something of the cluster, or of the kubeconfig. */
export const flagChoices: Readonly<Record<string, Choices>> = {
  node: async (_, flags) => (await listNames({ kind: 'nodes' }, flags)).map(plain),
  namespace: async (_, flags) => (await listNames({ kind: 'namespaces' }, flags)).map(plain),
  'installation-namespace': async (_, flags) => (await listNames({ kind: 'namespaces' }, flags)).map(plain),
  context: async (_, flags) => (await listContexts(flags)).map(plain),
  // Deleted are objects of the installation's namespace, whatever that of the files is.
  delete: async (word, { namespace: _, ...flags }) => [
    ...(await completeObject(word, flags, ['policy'])),
    { text: `configmap/${explicitConfigMap.name}`, meaning: 'the explicit configuration' },
  ],
};

/** A kind first, then the names of its objects. */
async function completeObject(
  word: string,
  flags: CompletionFlags,
  kinds: readonly Subject['kind'][],
): Promise<readonly Candidate[]> {
  const slash = word.indexOf('/');
  if (slash < 0) return kinds.map((kind) => ({ text: `${kind}/`, meaning: kindNames[kind] }));
  const written = word.slice(0, slash);
  const kind = kindNamed(written);
  if (kind === undefined || !kinds.includes(kind)) return [];
  const subject = parseSubject(`${kind}/any`, {
    given: flags.namespace,
    installation: flags['installation-namespace'] ?? '',
    context: await namespaceOf(flags),
  });
  const place = subject.kind === 'node' ? {} : { namespace: subject.namespace };
  const names = await listNames({ kind: subjectResources[kind], ...place }, flags);
  return names.map((name) => plain(`${written}/${name}`));
}
