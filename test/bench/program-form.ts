// SPDX-License-Identifier: Apache-2.0
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleProgram, type Program } from '../../runtime/bundle/bundle-program.ts';

/** A program of ours as Node.js starts it. */
export interface ProgramForm extends AsyncDisposable {
  readonly name: 'source' | 'bundled';
  /** The file that Node.js runs. */
  readonly main: string;
}

const root = new URL('../../', import.meta.url);

export function sourceForm(program: Program): ProgramForm {
  return { name: 'source', main: entryOf(program), [Symbol.asyncDispose]: async () => {} };
}

/** What the images hold, in a temporary folder. */
export async function bundledForm(program: Program): Promise<ProgramForm> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-bundle-')));
  const main = await bundleProgram({ program, folder: join(folder.path, program) });
  const scope = undo.move();
  return { name: 'bundled', main, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

function entryOf(program: Program): string {
  return fileURLToPath(new URL(`${program}/main.ts`, root));
}
