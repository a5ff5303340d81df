// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTool } from '../machines/run-tool.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Dockerfile.webhook and Dockerfile.node. */
export const imageKinds = ['webhook', 'node'] as const;
export type ImageKind = (typeof imageKinds)[number];

/** What an image is made of, beside its bases. */
export interface ImageInputs {
  /** Of package.json. @example '0.1.0' */
  readonly version: string;
  /** The commit that changed them last; empty where git knows none. */
  readonly revision: string;
  /** When that was, in seconds: SOURCE_DATE_EPOCH. */
  readonly epoch: number;
  /** What the build's context holds, and the Dockerfile with .dockerignore; from the root. */
  readonly files: readonly string[];
  /** Covers the content of every file, committed or not, and what is above. */
  readonly digest: string;
}

/** Reads what a kind's image is made of: what .dockerignore lets through, and its Dockerfile. */
export async function readInputs(kind: ImageKind): Promise<ImageInputs> {
  const dockerfile = dockerfileOf(kind);
  const paths = [...keptPaths(), '.dockerignore', dockerfile];
  const listed = await runTool('git', '-C', root, 'ls-files', '-co', '--exclude-standard', '--', ...paths);
  // A file that was removed and not committed is listed, too.
  const files = listed
    .trim()
    .split('\n')
    .filter((path) => !path.endsWith('.test.ts') && existsSync(join(root, path)));
  const committed = await runTool('git', '-C', root, 'log', '-1', '--format=%H %ct', '--', ...paths);
  const [revision = '', epoch = '0'] = committed.trim().split(' ');
  const { version }: { version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const hash = createHash('sha256').update(JSON.stringify([version, revision, epoch]));
  for (const path of files.toSorted()) hash.update(`\0${path}\0`).update(readFileSync(join(root, path)));
  return { version, revision, epoch: Number(epoch), files, digest: hash.digest('hex').slice(0, 12) };
}

export function dockerfileOf(kind: ImageKind): string {
  return `Dockerfile.${kind}`;
}

/** What .dockerignore lets through; tests beside the code are taken out of that. */
function keptPaths(): readonly string[] {
  const lines = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');
  return lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
}
