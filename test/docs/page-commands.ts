// SPDX-License-Identifier: Apache-2.0
// Runs commands of pages that need other names than a page can have: hosts, accounts, folders. test/docs/run-block.ts
// runs commands unchanged.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { readPage } from '../house/markdown.ts';
import { root } from '../house/source-files.ts';

/** Texts of a page, and what to put in their place. */
export type Names = Readonly<Record<string, string>>;

/**
 * Returns the only block of a page that begins with `start`, with other names. Raises an error if a name is in no
 * block of the page: a test would then no longer run what the page has.
 */
export function pageBlock(page: string, start: string, names: Names = {}): string {
  const { blocks } = readPage(readFileSync(`${root}${page}`, 'utf8'));
  return renamed(
    page,
    only(
      page,
      start,
      blocks.map(({ text }) => text).filter((text) => text.startsWith(start)),
    ),
    names,
  );
}

/** Returns the only code in the prose of a page that begins with `start`, with other names. */
export function pageCode(page: string, start: string, names: Names = {}): string {
  const prose = readPage(readFileSync(`${root}${page}`, 'utf8')).prose.map(({ text }) => text);
  const codes = [...prose.join('\n').matchAll(/`([^`]+)`/g)].map(([, code = '']) => code.replaceAll('\n', ' '));
  return renamed(
    page,
    only(
      page,
      start,
      [...new Set(codes)].filter((code) => code.startsWith(start)),
    ),
    names,
  );
}

function only(page: string, start: string, found: readonly string[]): string {
  assert.equal(found.length, 1, `${page} must have exactly one text that begins with ${start}`);
  return found[0] as string;
}

function renamed(page: string, text: string, names: Names): string {
  return Object.entries(names).reduce((before, [name, other]) => {
    assert.ok(before.includes(name), `${page} does not have ${name} in\n${text}`);
    return before.replaceAll(name, other);
  }, text);
}

/** An answer that is typed when the output has its prompt. For `read`, the prompt is the output before it. */
export interface Answer {
  readonly prompt: string;
  readonly text: string;
}

export interface TerminalOptions {
  readonly folder: string;
  /** All variables. */
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  readonly answers?: readonly Answer[];
}

/** The longest wait. */
const guardMs = 1_200_000;

/**
 * Runs commands in bash on a terminal, as a person does who copies them from a page. Types the answers one after the
 * other. Returns the output without colors; raises an error with it if a command fails.
 */
export async function runOnTerminal(
  commands: string,
  { folder, environment, answers = [] }: TerminalOptions,
): Promise<string> {
  await using scratch = await mkdtempDisposable(join(tmpdir(), 'kmt-page-'));
  const file = join(scratch.path, 'commands');
  await writeFile(file, `${commands}\n`);
  // script(1) gives the commands a terminal. If this process is killed, script ends and closes the terminal.
  const terminal = ['script', '--quiet', '--return', '--command', `bash -euo pipefail '${file}'`, '/dev/null'];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...terminal], {
    cwd: folder,
    env: { TERM: 'dumb', ...environment },
    timeout: guardMs,
    killSignal: 'SIGKILL',
  });
  // Ignores errors if the commands end before they have read an answer: the exit code reports the failure.
  child.stdin.on('error', () => {});
  let output = '';
  let seen = 0;
  const waiting = [...answers];
  const answer = () => {
    for (let [next] = waiting; next !== undefined && output.includes(next.prompt, seen); [next] = waiting) {
      seen = output.indexOf(next.prompt, seen) + next.prompt.length;
      child.stdin.write(`${next.text}\n`);
      waiting.shift();
    }
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text.replaceAll('\r', '');
      answer();
    });
  }
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject).once('close', resolve);
  const code = await promise;
  assert.equal(code, 0, `${commands}\nended with ${code}:\n${output}`);
  assert.deepEqual(waiting, [], `${commands}\ndid not ask for all answers:\n${output}`);
  return stripVTControlCharacters(output);
}
