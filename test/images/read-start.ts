// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dockerfileOf, type ImageKind, root } from './image-inputs.ts';

/** How an image starts its program. A measurement must start the program in the same way. */
export interface ImageStart {
  /** The flags of V8, which affect memory use. */
  readonly nodeFlags: readonly string[];
  /**
   * The image's environment variables, except KUBE_MACVTAP_*: those are flags of the program, and contain paths in the
   * image.
   */
  readonly environment: Readonly<Record<string, string>>;
}

/** Reads ENTRYPOINT and ENV of an image's Dockerfile. Raises if they have an unexpected form. */
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
