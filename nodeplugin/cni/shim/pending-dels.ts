// SPDX-License-Identifier: Apache-2.0
import { lstat, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MacvtapError } from '../../../runtime/errors.ts';
import { faultPoint } from '../../../runtime/fault-points.ts';
import { watchDirectory } from '../../../runtime/watch-directory.ts';
import { type AnswerFrame, decodeFrame, frameHeaderLength, maxStdin, type RequestFrame } from './frame.ts';
import { makePrivateDirectory } from './socket-listener.ts';

/**
 * The options for processing pending DELs. If the node plugin is down during a DEL, the shim saves the DEL and reports
 * success to the runtime. Without this success, the pod could not end.
 *
 * The shim writes the request frame to the file `<CNI_CONTAINERID>:<CNI_IFNAME>` in the directory. A repeated DEL
 * replaces the file. The shim first writes a temporary file `.<name>.<pid>`, and then renames it. Temporary files are
 * not read. They are removed when they are so old that no shim can still be writing them. If the shim cannot write the
 * file, it prints CNI error 11.
 *
 * The directory is on a tmpfs (/run), so a reboot removes the files; it also removes the links. When a DEL is
 * processed, another pod may already have the device. That pod is not affected, because a DEL removes only the
 * attachment of its container and interface.
 */
export interface PendingDelOptions {
  readonly directory: string;
  readonly handle: (request: RequestFrame) => Promise<AnswerFrame>;
  /**
   * Called for unreadable files and for failed DELs. Unreadable files and DELs that cannot succeed are removed. Other
   * failed DELs are tried again in the next run.
   */
  readonly onFailure: (error: MacvtapError) => void;
  /** After it has aborted, no further DEL is started. The remaining DELs wait for the next run. */
  readonly signal?: AbortSignal;
}

/** The size of the longest request, with a margin. */
const maxBytes = frameHeaderLength + maxStdin + 128 * 1024;

/**
 * The longest run time of a shim (TIMEOUT_MS in macvtap.c). An older temporary file must be from a killed shim.
 */
const shimMs = 60_000;

/**
 * Matches CNI errors of an invalid request, which would fail again on a retry (SPEC.md, "Error", codes 4 and 6).
 */
const hopeless = /"code":\s?[46],/;

/** Processes the pending DELs in the directory. Returns the number of DELs that succeeded. */
export async function processPendingDels({ directory, handle, onFailure, signal }: PendingDelOptions): Promise<number> {
  await makePrivateDirectory(directory);
  let done = 0;
  const names = (await readdir(directory)).toSorted();
  for (const name of names.filter(isUnfinished)) await removeIfOld(join(directory, name));
  for (const name of names.filter((entry) => !isUnfinished(entry))) {
    if (signal?.aborted) break;
    const path = join(directory, name);
    try {
      const answer = await handle(await readPendingDel(path));
      if (answer.exitCode !== 0) {
        const isHopeless = hopeless.test(answer.output);
        const next = isHopeless ? 'is removed, since it cannot succeed' : 'is tried again';
        onFailure(new MacvtapError('TombstoneFailed', `the DEL in ${path} failed, and ${next}: ${answer.output}`));
        if (!isHopeless) continue;
      } else {
        faultPoint('cni-tombstone-done');
        done += 1;
      }
    } catch (thrown) {
      onFailure(MacvtapError.from(thrown));
    }
    await rm(path, { force: true, recursive: true });
  }
  return done;
}

/**
 * Processes pending DELs as they appear, until disposed. A shim that could not connect may write its file after the
 * server has started.
 */
export function followPendingDels(options: PendingDelOptions, pollMs = 30_000): AsyncDisposable {
  let working: Promise<unknown> = Promise.resolve();
  const work = () => {
    working = working
      .then(() => processPendingDels(options))
      .catch((thrown) => options.onFailure(MacvtapError.from(thrown)));
  };
  const watch = watchDirectory({
    directory: options.directory,
    isRelevant: (name) => !isUnfinished(name),
    pollMs,
    onChange: work,
  });
  work();
  return {
    [Symbol.asyncDispose]: async () => {
      watch[Symbol.dispose]();
      await working;
    },
  };
}

function isUnfinished(name: string): boolean {
  return name.startsWith('.');
}

async function removeIfOld(path: string): Promise<void> {
  const mtimeMs = await lstat(path).then(
    (file) => file.mtimeMs,
    () => undefined,
  );
  if (mtimeMs !== undefined && Date.now() - mtimeMs > shimMs) await rm(path, { force: true, recursive: true });
}

async function readPendingDel(path: string): Promise<RequestFrame> {
  try {
    await using file = await open(path);
    const bytes = Buffer.alloc(maxBytes);
    const { bytesRead } = await file.read(bytes, 0, maxBytes, 0);
    const frame = decodeFrame(bytes.subarray(0, bytesRead));
    if (frame.type === 'request' && frame.environment.get('CNI_COMMAND') === 'DEL') return frame;
    throw new Error(`it is not a DEL but a ${frame.type}`);
  } catch (thrown) {
    throw new MacvtapError(
      'TombstoneFailed',
      `cannot read the pending DEL in ${path}: ${(thrown as Error).message}; the file is removed, and so is the link once no pod holds its device`,
      { facts: { path }, cause: thrown },
    );
  }
}
