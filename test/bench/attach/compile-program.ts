// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compilerHint, hasCompiler, shimCompiler, shimFlags } from '../../../build/build-shim.ts';

const run = promisify(execFile);

/** Compiles a program of this folder into another folder, as the shim is compiled. Returns the path of the result. */
export async function compileProgram(name: 'at-once' | 'nothing', folder: string): Promise<string> {
  if (!(await hasCompiler(shimCompiler))) throw new Error(`there is no ${shimCompiler}: ${compilerHint}`);
  const path = join(folder, name);
  await run(shimCompiler, [...shimFlags, '-o', path, fileURLToPath(new URL(`${name}.c`, import.meta.url))]);
  return path;
}
