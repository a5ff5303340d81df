// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { keepLog } from '../test/fixtures/webhook/keep-log.ts';
import { until } from '../test/process/until.ts';
import { followLogLevel, type LeveledLog, type LogLevel, limitWarnings } from './log.ts';

/** Creates a log that collects its messages, each with the log's level at that time. */
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

/** Replaces the file atomically, because the log may read it at any moment. */
async function write(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

const reaches = (log: LeveledLog, level: LogLevel) =>
  until(
    async () => log.level,
    (now) => now === level,
  );

test('the level in the file applies while it exists, and changes are logged at the more verbose level', async () => {
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

test('an invalid level is logged once without its text, and the last valid level remains', async () => {
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
  assert.match(lines[1] ?? '', /^write one of debug, info, warn, error, silent; the file has 18 other characters/);
  assert.equal(log.level, 'warn');
  // A directory at the path is an error, unlike a missing file.
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

test('changes of a mounted ConfigMap are followed: kubelet replaces the symbolic link to its files', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-level-'));
  const at = (name: string) => join(folder.path, name);
  const { log } = keepLines();
  // Without the ConfigMap, kubelet mounts an empty directory. The next poll is ten minutes away, so the log level can
  // change only if the watch of the directory works.
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

test('a directory that does not exist yet is watched as soon as it appears', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-level-'));
  const directory = join(folder.path, 'later');
  const { log, lines } = keepLines();
  using _following = followLogLevel({ file: join(directory, 'level'), log, pollMs: 20 });
  await mkdir(directory);
  await write(join(directory, 'level'), 'debug');
  await reaches(log, 'debug');
  assert.equal(lines.length, 1);
});

test('warnings are limited separately for each message, and the next line has the number of suppressed ones', () => {
  let nowMs = 0;
  const { log, lines } = keepLog();
  const limited = limitWarnings(log, { burst: 2, perSecond: 1 }, () => nowMs);
  for (let count = 0; count < 5; count += 1) limited.warn({ count }, 'refused');
  limited.warn({}, 'other');
  limited.error({}, 'refused');
  nowMs += 1_000;
  limited.warn({ count: 5 }, 'refused');
  assert.deepEqual(
    lines.map(({ level, message, fields }) => [level, message, fields]),
    [
      ['warn', 'refused', { count: 0 }],
      ['warn', 'refused', { count: 1 }],
      ['warn', 'other', {}],
      ['error', 'refused', {}],
      ['warn', 'refused', { count: 5, suppressed: 3 }],
    ],
  );
});
