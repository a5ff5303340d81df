// SPDX-License-Identifier: Apache-2.0
import { readdir } from 'node:fs/promises';
import { posix } from 'node:path';
import { listAll } from '../../cluster/api/api-resource.ts';
import { compareNatural } from '../../policy/names.ts';
import { explicitConfigMap } from '../../policy/plan/from-explicit.ts';
import { kindNames, type Subject } from '../../policy/why/why-facts.ts';
import { contextNamespace, type ViewFlags } from '../shared-flags.ts';
import { collectionPath, objectKinds } from '../view/objects.ts';
import { listManifests } from '../view/open-view.ts';
import type { ObjectQuery } from '../view/view.ts';
import { kindNamed, parseSubject, subjectKinds, subjectResources } from '../why/subject.ts';

/** A possible completion of a word. The description may be empty. */
export interface Candidate {
  readonly text: string;
  readonly meaning: string;
}

export function plain(text: string): Candidate {
  return { text, meaning: '' };
}

const manifests = 'manifests:';

/** Completes the value of --source: `cluster`, or `manifests:` followed by a readable directory. */
export async function completeSource(word: string): Promise<readonly Candidate[]> {
  if (!word.startsWith(manifests)) {
    return [
      { text: 'cluster', meaning: 'the API server' },
      { text: manifests, meaning: 'a directory of YAML' },
    ];
  }
  const path = word.slice(manifests.length);
  const parent = path.slice(0, path.lastIndexOf('/') + 1);
  const entries = await readdir(posix.resolve(parent), { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && (!entry.name.startsWith('.') || path.startsWith(`${parent}.`)))
    .map(({ name }) => plain(`${manifests}${parent}${name}/`));
}

/** The flags of the unfinished command line that select the cluster and the namespace. */
export type CompletionFlags = Partial<ViewFlags> & { readonly namespace?: string | undefined };

type Choices = (
  word: string,
  flags: CompletionFlags,
  /** The arguments before the word. */
  before: readonly string[],
) => Promise<readonly Candidate[]>;

/** The completions of positional arguments that name objects of the cluster. */
export const positionalChoices: Readonly<Record<string, Choices>> = {
  object: (word, flags) => completeObject(word, flags, subjectKinds),
  'name?': async (word, flags, [kind = '']) => {
    if (kind.includes('/')) return [];
    const objects = await completeObject(`${kind}/${word}`, flags, subjectKinds);
    return objects.map(({ text }) => plain(text.slice(kind.length + 1)));
  },
};

/** The completions of flags whose values are names from the cluster or the kubeconfig. */
export const flagChoices: Readonly<Record<string, Choices>> = {
  node: async (_, flags) => (await listNames({ kind: 'nodes' }, flags)).map(plain),
  namespace: async (_, flags) => (await listNames({ kind: 'namespaces' }, flags)).map(plain),
  'installation-namespace': async (_, flags) => (await listNames({ kind: 'namespaces' }, flags)).map(plain),
  context: async (_, flags) => (await listContexts(flags)).map(plain),
  // --delete always refers to the installation's namespace, and --namespace applies only to files. Therefore
  // --namespace is ignored here.
  delete: async (word, { namespace: _, ...flags }) => [
    ...(await completeObject(word, flags, ['policy'])),
    { text: `configmap/${explicitConfigMap.name}`, meaning: 'the explicit configuration' },
  ],
};

/** Completes the kind of an object and then its name: `pod/`, `pod/web`. */
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

/** The time limit of a completion. A person would not wait longer. */
const answerTimeoutMs = 3_000;

type Where = Partial<ViewFlags>;

/**
 * Returns the names of objects in natural order. Returns none if the server does not answer in time or denies the
 * request.
 */
async function listNames(query: ObjectQuery, where: Where): Promise<readonly string[]> {
  const { source } = where;
  const names =
    source?.kind === 'manifests'
      ? (await listManifests(source.directory, query).catch(() => [])).map(({ metadata }) => metadata.name)
      : await listOfCluster(query, where);
  return [...new Set(names)].sort(compareNatural);
}

/** Returns the namespace of the current kubeconfig context. */
async function namespaceOf({ source = { kind: 'cluster' }, kubeconfig, context }: Where): Promise<string> {
  return await contextNamespace({ source, kubeconfig, context }).catch(() => 'default');
}

/** Returns the contexts of the kubeconfig. */
async function listContexts({ kubeconfig }: Where): Promise<readonly string[]> {
  const { contextsOf } = await import('../../cluster/api/kubeconfig.ts');
  try {
    return contextsOf(kubeconfig);
  } catch {
    return [];
  }
}

/**
 * Lists names from the cluster. Returns none after an error, because a person who is typing a command cannot act on it.
 */
async function listOfCluster({ kind, namespace }: ObjectQuery, where: Where): Promise<readonly string[]> {
  const { openApiClient } = await import('../../cluster/api/client.ts');
  // Load this module before the timeout starts, so that the timeout covers only the server's answer.
  await import('../../cluster/api/kubeconfig.ts');
  const signal = AbortSignal.timeout(answerTimeoutMs);
  const { promise: late, resolve } = Promise.withResolvers<readonly string[]>();
  signal.addEventListener('abort', () => resolve([]));
  const list = async (): Promise<readonly string[]> => {
    using client = await openApiClient(where);
    const resource = { what: objectKinds[kind].what, path: collectionPath(kind, namespace), metadataOnly: true };
    const listed = await listAll(client, resource, { trim: (object) => object, signal });
    return 'absent' in listed ? [] : listed.objects.map(({ metadata }) => metadata.name);
  };
  return await Promise.race([late, list().catch(() => [])]);
}
