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

/** The inputs of an image, in addition to its bases. */
export interface ImageInputs {
  /** The version in package.json. @example '0.1.0' */
  readonly version: string;
  /** The last commit that changed the inputs; empty if git does not know any. */
  readonly revision: string;
  /** The time of that commit, in seconds (SOURCE_DATE_EPOCH). */
  readonly epoch: number;
  /** The files of the build's context, the Dockerfile and .dockerignore, as paths from the root. */
  readonly files: readonly string[];
  /** Covers the content of every file, whether committed or not, and the fields above. */
  readonly digest: string;
}

/** Reads the inputs of an image: the files that .dockerignore admits, and the Dockerfile. */
export async function readInputs(kind: ImageKind): Promise<ImageInputs> {
  const dockerfile = dockerfileOf(kind);
  const paths = [...keptPaths(), '.dockerignore', dockerfile];
  const listed = await runTool('git', '-C', root, 'ls-files', '-co', '--exclude-standard', '--', ...paths);
  // The list also contains files that were removed but not committed.
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

/** Returns the paths that .dockerignore admits and the folders in them that it excludes, for git. */
function keptPaths(): readonly string[] {
  const lines = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');
  const kept = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  const excluded = lines.filter((line) => /^\w/.test(line)).map((line) => `:(exclude)${line}`);
  return [...kept, ...excluded];
}
