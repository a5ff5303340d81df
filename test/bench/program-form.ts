// SPDX-License-Identifier: Apache-2.0
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Program as AnyProgram, bundleProgram } from '../../build/bundle-program.ts';
import { type ImageStart, readStart } from '../images/read-start.ts';

/** A program of the product, and the command with which its image starts it. */
export interface ProgramForm extends ImageStart, AsyncDisposable {
  readonly name: 'source' | 'bundled';
  /** The file that Node.js runs. */
  readonly main: string;
}

/** The programs that keep running. */
type Program = Exclude<AnyProgram, 'cli'>;

export function sourceForm(program: Program): ProgramForm {
  const main = fileURLToPath(new URL(`../../${program}/main.ts`, import.meta.url));
  return { name: 'source', main, ...startOf(program), [Symbol.asyncDispose]: async () => {} };
}

/** Bundles the program as in its image, in a temporary folder. */
export async function bundledForm(program: Program): Promise<ProgramForm> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-bundle-')));
  const main = await bundleProgram({ program, folder: join(folder.path, program) });
  const scope = undo.move();
  return { name: 'bundled', main, ...startOf(program), [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

function startOf(program: Program): ImageStart {
  return readStart(program === 'nodeplugin' ? 'node' : program);
}
