// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dockerfileOf, type ImageKind, root } from './image-inputs.ts';

/** How an image starts its program: what a program is to be started with to be measured as it runs in a cluster. */
export interface ImageStart {
  /** For Node.js itself: V8's, which memory depends on. */
  readonly nodeFlags: readonly string[];
  /** Variables for the libraries below; those that are flags of the program name paths in the image. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Reads ENTRYPOINT and ENV of a kind's Dockerfile. Raises where it is of another form. */
export function readStart(kind: ImageKind): ImageStart {
  const text = readFileSync(join(root, dockerfileOf(kind)), 'utf8');
  const [, entrypoint = '[]'] = /^ENTRYPOINT (\[.*\])$/m.exec(text) ?? [];
  const [node, ...rest] = JSON.parse(entrypoint) as readonly string[];
  if (node !== '/usr/local/bin/node' || rest.pop() !== '/app/main.mjs') {
    throw new Error(`${dockerfileOf(kind)}: ENTRYPOINT is not Node.js with flags and the program`);
  }
  const variables = [...text.matchAll(/^ENV (\w+)=(\S+)$/gm)].map(
    ([, name = '', value = '']) => [name, value] as const,
  );
  return {
    nodeFlags: rest,
    environment: Object.fromEntries(variables.filter(([name]) => !name.startsWith('KUBE_MACVTAP_'))),
  };
}
