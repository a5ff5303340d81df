// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../test/process/until.ts';
import { followLogLevel } from './follow-log-level.ts';
import type { LeveledLog, LogLevel } from './log.ts';

/** A log that keeps its messages at the level of each. */
function keepLines() {
  const lines: string[] = [];
  const log: LeveledLog = {
    level: 'info',
    debug: () => {},
    info: ({ from, to, by }) => void lines.push(`${log.level}: ${from} to ${to} by ${by}`),
    warn: ({ fault }) => void lines.push(String(fault)),
    error: () => {},
  };
  return { log, lines };
}

/** Whole at once: a look may come at any moment. */
async function write(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

const reaches = (log: LeveledLog, level: LogLevel) =>
  until(
    async () => log.level,
    (now) => now === level,
  );

test('the level in a file counts while there is one, and is told at the level that tells more', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-level-'));
  const file = join(folder.path, 'level');
  const { log, lines } = keepLines();
  using _following = followLogLevel({ file, log });
  assert.equal(log.level, 'info');
  await write(file, 'debug\n');
  await reaches(log, 'debug');
  await write(file, ' error ');
  await reaches(log, 'error');
  await write(file, '\n');
  await reaches(log, 'info');
  await write(file, 'error');
  await reaches(log, 'error');
  await rm(file);
  await reaches(log, 'info');
  assert.deepEqual(lines, [
    `debug: info to debug by ${file}`,
    `debug: debug to error by ${file}`,
    'info: error to info by --log-level',
    `info: info to error by ${file}`,
    'info: error to info by --log-level',
  ]);
});

test('what is no level is told once without its text, and the last good level stays', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-level-'));
  const file = join(folder.path, 'level');
  await write(file, 'warn');
  const { log, lines } = keepLines();
  using _following = followLogLevel({ file, log, pollMs: 20 });
  assert.equal(log.level, 'warn');
  await write(file, 'loud, and a secret');
  await until(
    async () => lines.length,
    (count) => count > 1,
  );
  assert.match(lines[1] ?? '', /^write one of debug, info, warn, error, silent: there are 18 characters/);
  assert.equal(log.level, 'warn');
  // A directory in its place: cannot be read, and is no end of the file.
  await rm(file);
  await reaches(log, 'info');
  await mkdir(file);
  await until(
    async () => lines.at(-1),
    (line) => line?.includes('EISDIR') === true,
  );
  assert.equal(log.level, 'info');
  assert.equal(lines.length, 4);
});

test('a ConfigMap that kubelet mounts is followed: its files are links through one that is replaced', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-level-'));
  const at = (name: string) => join(folder.path, name);
  const { log } = keepLines();
  // Without the ConfigMap kubelet mounts an empty directory; the polls are too rare to be what is seen.
  using _following = followLogLevel({ file: at('webhook'), log, pollMs: 600_000 });
  for (const [index, level] of (['debug', 'warn'] as const).entries()) {
    await mkdir(at(`..v${index}`));
    await writeFile(at(`..v${index}/webhook`), level);
    await symlink(`..v${index}`, at('..data_tmp'));
    await rename(at('..data_tmp'), at('..data'));
    if (index === 0) await symlink('..data/webhook', at('webhook'));
    await reaches(log, level);
  }
});

test('a directory that is not there yet is waited for', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-level-'));
  const directory = join(folder.path, 'later');
  const { log, lines } = keepLines();
  using _following = followLogLevel({ file: join(directory, 'level'), log, pollMs: 20 });
  await mkdir(directory);
  await write(join(directory, 'level'), 'debug');
  await reaches(log, 'debug');
  assert.equal(lines.length, 1);
});
