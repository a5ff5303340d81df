// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/** A file with its text, or with the error from reading it. */
export interface LintInput {
  /**
   * The path of the file as on the command line. If the file was found in a given directory, the path begins with that
   * directory.
   */
  readonly name: string;
  /** Whether the command line names this file. A file that was found in a directory need not be a manifest. */
  readonly isNamed: boolean;
  readonly content: { readonly text: string } | { readonly fault: string };
}

/**
 * The maximum number of bytes of a file. No real set of manifests is that large, so a larger file is a mistake and must
 * not exhaust the memory.
 */
const maxBytes = 64 * 1024 * 1024;

/**
 * Reads files, the manifests below directories, and standard input for `-`, in the given order. A file that several
 * paths refer to is read once.
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

/** Returns the device and inode of a file or pipe. For a file that does not exist, returns its path. */
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
    return { fault: `${error instanceof Error ? error.message : String(error)}: check the path and its permissions` };
  }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)) };
  } catch {
    return { fault: 'not UTF-8: save the file as UTF-8' };
  }
}

/**
 * Lists the manifests in a directory and its subdirectories in the order of their paths. Hidden entries and
 * node_modules are skipped. Symbolic links are followed only to files, to avoid loops. If a directory cannot be listed,
 * its own path is returned, so that reading it reports the error.
 */
async function listManifests(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return [directory];
  const paths = entries
    .filter(({ name }) => !name.startsWith('.') && name !== 'node_modules')
    .sort((left, right) => (left.name < right.name ? -1 : 1))
    .map((entry) => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return listManifests(path);
      return /\.(ya?ml|json)$/.test(entry.name) ? keepFile(path) : [];
    });
  return (await Promise.all(paths)).flat();
}

/**
 * Returns a list with the path if it is a regular file. Otherwise, for example for a pipe, the list is empty, because
 * reading might never end. The path of a broken link is also returned, so that reading it reports the error.
 */
async function keepFile(path: string): Promise<readonly string[]> {
  const isFile = await stat(path).then(
    (info) => info.isFile(),
    () => true,
  );
  return isFile ? [path] : [];
}
