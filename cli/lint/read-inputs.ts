// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { listManifests } from './list-manifests.ts';

/** A file to be linted, or why it cannot be. */
export interface LintInput {
  /** By which it is told: as it was given, or the directory that was given with the file's path in it. */
  readonly name: string;
  /** Whether somebody asked for this very file; one that was found in a directory need not hold manifests. */
  readonly isNamed: boolean;
  readonly content: { readonly text: string } | { readonly fault: string };
}

/** More than any set of manifests; a larger file is a mistake that must not exhaust the memory. */
const maxBytes = 64 * 1024 * 1024;

/**
 * Reads files, the manifests below directories, and standard input for `-`, in the order given. A file that is reached
 * twice, under whatever names, is read once.
 */
export async function readInputs(paths: readonly string[], stdin: Readable): Promise<readonly LintInput[]> {
  const inputs: LintInput[] = [];
  const seen = new Set<string>();
  for (const path of paths) {
    const isDirectory = path !== '-' && (await isDirectoryAt(path));
    for (const name of isDirectory ? await listManifests(path) : [path]) {
      const identity = name === '-' ? '-' : await identify(name);
      if (seen.has(identity)) continue;
      seen.add(identity);
      const content = await readContent(() => (name === '-' ? stdin : createReadStream(name)));
      inputs.push({ name, isNamed: !isDirectory, content });
    }
  }
  return inputs;
}

async function isDirectoryAt(path: string): Promise<boolean> {
  return await stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
}

/** A pipe has no path to resolve, but an inode. */
async function identify(path: string): Promise<string> {
  return await stat(path, { bigint: true }).then(
    ({ dev, ino }) => `${dev}:${ino}`,
    () => path,
  );
}

async function readContent(open: () => Readable): Promise<LintInput['content']> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of open()) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > maxBytes) return { fault: `more than ${maxBytes} bytes: split it` };
    }
  } catch (error) {
    return { fault: `${error instanceof Error ? error.message : String(error)}: check the path and its rights` };
  }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)) };
  } catch {
    return { fault: 'not UTF-8: save it as such' };
  }
}
