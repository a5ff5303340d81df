// SPDX-License-Identifier: Apache-2.0
import { lstat, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MacvtapError } from '../../runtime/errors.ts';
import { faultPoint } from '../../runtime/fault-point.ts';
import { watchDirectory } from '../../runtime/watch-directory.ts';
import { decodeFrame, frameHeaderLength, maxStdin } from './frame.ts';
import type { AnswerFrame, RequestFrame } from './handle-request.ts';
import { makeDirectory } from './make-directory.ts';

/**
 * A DEL that came while the node plugin was down, which must succeed nevertheless, or pods cannot end. The shim leaves
 * its request frame, byte for byte, in a file `<CNI_CONTAINERID>:<CNI_IFNAME>` of the directory, so that a repeated DEL
 * leaves no second one: written as `.<name>.<pid>`, then renamed. What begins with a dot is not read, and removed once no
 * shim can be writing it any more. If that fails too, the shim prints CNI error 11. The directory is on a tmpfs (/run): with a reboot the links are gone as well.
 *
 * Whether the device is another pod's by now is DEL's own question: it only ever removes the attachment of this very
 * container and interface.
 */
export interface TombstoneOptions {
  readonly directory: string;
  readonly handle: (request: RequestFrame) => Promise<AnswerFrame>;
  /** What cannot be read is removed; what could not be done stays for the next time. */
  readonly onFailure: (error: MacvtapError) => void;
  /** Nothing more is begun after its end; the rest stays for the next time. */
  readonly signal?: AbortSignal;
}

/** A request with everything at its longest, and some room. */
const maxBytes = frameHeaderLength + maxStdin + 128 * 1024;

/** A shim ends by itself after so long (TIMEOUT_MS, shim/macvtap.c): what it still was writing then was killed with it. */
const shimMs = 60_000;

/** CNI errors about the request itself, which says the same each time: SPEC.md, "Error", 4 and 6. */
const hopeless = /"code":\s?[46],/;

/** Works off what is there, before a device is given out again. Returns how many were done. */
export async function workOffTombstones({ directory, handle, onFailure, signal }: TombstoneOptions): Promise<number> {
  await makeDirectory(directory);
  let done = 0;
  const names = (await readdir(directory)).toSorted();
  for (const name of names.filter(isUnfinished)) await removeIfOld(join(directory, name));
  for (const name of names.filter((entry) => !isUnfinished(entry))) {
    if (signal?.aborted) break;
    const path = join(directory, name);
    try {
      const answer = await handle(await readTombstone(path));
      if (answer.exitCode !== 0) {
        const isHopeless = hopeless.test(answer.output);
        const next = isHopeless ? 'is removed, since it will never do better' : 'is tried again';
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
 * The same for those that come later: a shim that found nobody listening may write its tombstone when the server is
 * already up. Until disposed.
 */
export function followTombstones(options: TombstoneOptions, pollMs = 30_000): AsyncDisposable {
  let working: Promise<unknown> = Promise.resolve();
  const work = () => {
    working = working
      .then(() => workOffTombstones(options))
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

async function readTombstone(path: string): Promise<RequestFrame> {
  try {
    await using file = await open(path);
    const bytes = Buffer.alloc(maxBytes);
    const { bytesRead } = await file.read(bytes, 0, maxBytes, 0);
    const frame = decodeFrame(bytes.subarray(0, bytesRead));
    if (frame.type === 'request' && frame.environment.get('CNI_COMMAND') === 'DEL') return frame;
    throw new Error(`it is no DEL but a ${frame.type}`);
  } catch (thrown) {
    throw new MacvtapError(
      'TombstoneFailed',
      `cannot read what the CNI plugin left in ${path}: ${(thrown as Error).message}; it is removed, and so is the link once nobody holds its device`,
      { facts: { path }, cause: thrown },
    );
  }
}
