// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultKubernetes, kubernetesVersion } from './kubernetes-version.ts';
import { cacheName, type ProgramName } from './recipes.ts';

/** The folder in which programs are kept between runs. git ignores it. */
export const cacheFolder = fileURLToPath(new URL('../../.cache/binaries', import.meta.url));

/** Returns the path of a built program. If it was not built, raises an error with the command that builds it. */
export function binaryPath(name: ProgramName, folder = cacheFolder): string {
  const path = join(folder, cacheName(name));
  if (existsSync(path)) return path;
  const version = kubernetesVersion();
  const flags = version === defaultKubernetes ? '' : `--kubernetes ${version} `;
  throw new Error(`${path} is missing; build it: node test/binaries/main.ts ${flags}${name}`);
}
