// SPDX-License-Identifier: Apache-2.0
import { readdir } from 'node:fs/promises';
import { posix } from 'node:path';
import { type Candidate, plain } from './candidate.ts';

const manifests = 'manifests:';

/** `cluster`, or `manifests:` with a directory, of which none is offered where nothing can be read. */
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
