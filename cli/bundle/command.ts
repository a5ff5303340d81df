// SPDX-License-Identifier: Apache-2.0
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { writeFileAtomically } from '../../runtime/atomic-file.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { textFlag } from '../../runtime/flags.ts';
import { exitCode, runCommand } from '../../runtime/run-command.ts';
import { encodeTar } from '../../runtime/tar.ts';
import { print, printLine, printToStderr, startProgress } from '../output/print.ts';
import { findExposure, planningFlags, sharedFlags, viewFlags } from '../shared-flags.ts';
import { openView } from '../view/open-view.ts';
import { type BundleFile, collectBundle } from './collect-bundle.ts';

export const supportBundleLine = {
  command: 'kubectl macvtap support-bundle',
  summary:
    'Collects data for a bug report: policies, node states, macvtap networks, plans with their reasons, events and\n' +
    "webhook configurations. Also collects the logs of kube-macvtap's pods. Reads no Secret, and removes text that looks like one.",
  positionals: [],
  flags: {
    output: {
      ...textFlag(
        'FILE',
        'where to write: an archive file, a directory (an existing one, or a name with / at the end), - (the archive on standard output), or json',
        'kube-macvtap-support.tar.gz',
      ),
      short: 'o',
    },
    ...viewFlags,
    ...planningFlags,
  },
  examples: [
    { purpose: 'Write an archive', command: 'kubectl macvtap support-bundle -o macvtap-support.tar.gz' },
    { purpose: 'Write the files to a directory', command: 'kubectl macvtap support-bundle -o macvtap-support/' },
  ],
  elsewhere: sharedFlags,
} as const;

export function runSupportBundle(argv: readonly string[]): Promise<void> {
  return runCommand(
    supportBundleLine,
    async (values) => {
      if (values.output === '-' && process.stdout.isTTY) {
        throw new MacvtapError(
          'InvalidFlags',
          '--output -: an archive cannot be shown on a terminal; pipe it to a program, or name a FILE',
        );
      }
      const progress = startProgress(process.stderr);
      await using view = await openView(values, progress);
      const files = await collectBundle(view, await findExposure(values, view), progress);
      if (values.output === 'json') {
        await printLine(JSON.stringify(Object.fromEntries(files.map(({ name, text }) => [name, text])), null, 2));
      } else await writeBundle(files, values.output, Date.now());
      const notes = files.find(({ name }) => name === 'notes.txt')?.text ?? '';
      const where = ['-', 'json'].includes(values.output) ? 'standard output' : values.output;
      printToStderr(`${notes}${where}: ${files.length} files; check them for private data before you share them`);
      return exitCode.done;
    },
    argv,
  );
}

const compress = promisify(gzip);

/**
 * Writes a bundle that only its owner can access. The path `-` means standard output. If the path is an existing
 * directory or ends in a slash, separate files are written there. Otherwise, a gzipped archive is written. Raises
 * FileNotWritten.
 */
async function writeBundle(files: readonly BundleFile[], path: string, nowMs: number): Promise<void> {
  const isDirectory =
    path.endsWith('/') ||
    (await stat(path).then(
      (info) => info.isDirectory(),
      () => false,
    ));
  if (isDirectory) return await writeDirectory(files, path);
  const entries = files.map(({ name, text }) => ({
    name: `kube-macvtap-support/${name}`.slice(0, 100),
    content: Buffer.from(text),
  }));
  const archive = await compress(encodeTar(entries, nowMs / 1_000));
  if (path === '-') await print(archive);
  else await writeFileAtomically(path, archive);
}

async function writeDirectory(files: readonly BundleFile[], directory: string): Promise<void> {
  try {
    for (const { name, text } of files) {
      const path = join(directory, name);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(path, text, { mode: 0o600 });
    }
  } catch (thrown) {
    throw new MacvtapError('FileNotWritten', thrown instanceof Error ? thrown.message : String(thrown), {
      cause: thrown,
    });
  }
}
