// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { removeTemporaryFiles, writeFileAtomically } from '../../runtime/atomic-file.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { faultPoint } from '../../runtime/fault-points.ts';
import type { DeviceEntry, DeviceRecord } from './device-record.ts';
import { encodeChange, encodeLedger } from './ledger-codec.ts';
import {
  applyDelta,
  changedLedger,
  changesRecords,
  copyLedger,
  decideDelta,
  highestUse,
  type LedgerChange,
  type LedgerContent,
  type LedgerDelta,
  type LedgerRecord,
  type MutableLedgerContent,
} from './ledger-content.ts';
import { appendLine, type KnownFile, loadLedger, lookAtFile, setAside } from './ledger-file.ts';
import { lockDirectory, makeStateDirectory } from './state-directory.ts';

export interface LedgerOptions {
  /** The node plugin's state directory. It is created if it is missing. */
  readonly directory: string;
  readonly nodeName: string;
  /** Called with each problem of the existing file, and with an error if the file cannot be written at startup. */
  readonly onWarning: (warning: MacvtapError) => void;
  /** Called after each write. */
  readonly onWrite?: (outcome: 'written' | 'failed') => void;
}

/**
 * The space for changes after the text of a whole ledger, enough for about two hundred changes. When the space is used
 * up, the whole ledger is written again.
 */
const roomBytes = 64 * 1024;

/**
 * The records of a node's devices, in `<directory>/ledger.json`. `get` and `entries` return only content that is on the
 * disk. The newest order of use is an exception: it may not be written yet. Changes that arrive during a write are
 * written together by the next write. Any number of simultaneous changes therefore needs only two or three writes.
 *
 * The file contains a JSON text, a line for each later write, and NULs that reserve space for more lines. The first
 * write of a process always replaces the whole file, so a process appends only to text that it wrote itself. When the
 * space is used up, the whole file is written again. A whole file replaces the old one by a rename. Therefore, neither
 * a killed process nor a crash of the machine can lose a change that was reported as successful.
 */
export class Ledger implements AsyncDisposable {
  readonly path: string;
  readonly #content: MutableLedgerContent;
  /** The devices of each index. */
  readonly #byIfindex = new Map<number, Set<string>>();
  #lastUsed: number;
  #isBroken: boolean;
  /** Undefined until this process has written the whole file, and again after it failed to append. */
  #written: KnownFile | undefined;
  /** The devices whose new position in the order of use is not yet in the file. The next write includes them. */
  readonly #unwritten = new Set<string>();
  #isClosed = false;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  readonly #scope: AsyncDisposable;
  readonly #onWrite: LedgerOptions['onWrite'];

  /**
   * Locks the directory and reads the ledger. Raises LedgerLocked and LedgerUnavailable. A file that is broken or
   * cannot be written only causes a warning.
   */
  static async open({ directory, nodeName, onWarning, onWrite }: LedgerOptions): Promise<Ledger> {
    await makeStateDirectory(directory);
    await using scope = new AsyncDisposableStack();
    scope.use(await lockDirectory(directory));
    const path = join(directory, 'ledger.json');
    await removeTemporaryFiles(path);
    const { content, isBroken, warnings } = await loadLedger(path, nodeName);
    for (const warning of warnings) onWarning(warning);
    const ledger = new Ledger(path, content, isBroken, scope.move(), onWrite);
    // The ledger is written immediately, so that the readable records do not depend on the broken file.
    if (isBroken) await ledger.#write(new Map()).catch((thrown) => onWarning(MacvtapError.from(thrown)));
    return ledger;
  }

  private constructor(
    path: string,
    content: LedgerContent,
    isBroken: boolean,
    scope: AsyncDisposable,
    onWrite: LedgerOptions['onWrite'],
  ) {
    this.path = path;
    this.#content = copyLedger(content);
    for (const [id, kept] of content.devices) this.#index(id, undefined, kept);
    this.#lastUsed = highestUse(content);
    this.#isBroken = isBroken;
    this.#scope = scope;
    this.#onWrite = onWrite;
  }

  get(deviceID: string): DeviceRecord | undefined {
    return this.#content.devices.get(deviceID)?.record;
  }

  entries(): readonly (readonly [deviceID: string, record: DeviceRecord])[] {
    return [...this.#content.devices].map(([id, { record }]) => [id, record] as const);
  }

  /** Returns the devices whose record has this index. */
  findByIfindex(ifindex: number): readonly string[] {
    return [...(this.#byIfindex.get(ifindex) ?? [])];
  }

  /**
   * Replaces the device's entry and makes the device the most recently used one. Resolves when the entry is durable.
   * Raises FileNotWritten; the ledger is then unchanged.
   */
  record(deviceID: string, entry: DeviceEntry): Promise<void> {
    return this.#change({ deviceID, entry });
  }

  /**
   * Removes the device's entry. Writes nothing if there is no entry. Resolves when the removal is durable. Raises
   * FileNotWritten.
   */
  forget(deviceID: string): Promise<void> {
    return this.#change({ deviceID, entry: undefined });
  }

  /** Completes earlier changes and releases the directory. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
    await this.#scope[Symbol.asyncDispose]();
  }

  #change(change: LedgerChange): Promise<void> {
    if (this.#isClosed) return Promise.reject(closed(change, this.path));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ change, resolve, reject });
    this.#writing ??= this.#writeWaiting();
    return promise;
  }

  async #writeWaiting(): Promise<void> {
    // Changes made in the same turn of the event loop share the first write.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        const changes = batch.map(({ change }) => change);
        const delta = decideDelta(this.#content, changes, this.#lastUsed);
        const isWritten = changesRecords(this.#content, delta);
        if (isWritten) await this.#write(delta);
        this.#adopt(delta, isWritten);
        for (const { resolve } of batch) resolve();
      } catch (thrown) {
        for (const { change, reject } of batch) reject(notDone(change, thrown));
      }
    }
    // `#writing` is reset in the same turn of the event loop as the last check of `#waiting`. A caller may add a change
    // as soon as its promise resolves, and that change must start a new loop.
    this.#writing = undefined;
  }

  #adopt(delta: LedgerDelta, isWritten: boolean): void {
    for (const [id, kept] of delta) this.#index(id, this.#content.devices.get(id), kept);
    applyDelta(this.#content, delta);
    for (const kept of delta.values()) this.#lastUsed = Math.max(this.#lastUsed, kept?.record.lastUsed ?? 0);
    if (isWritten) this.#unwritten.clear();
    else for (const id of delta.keys()) this.#unwritten.add(id);
  }

  #index(id: string, before: LedgerRecord | undefined, after: LedgerRecord | undefined): void {
    const [from, to] = [before?.record.ifindex, after?.record.ifindex];
    if (from === to) return;
    const left = from === undefined ? undefined : this.#byIfindex.get(from);
    left?.delete(id);
    if (from !== undefined && left?.size === 0) this.#byIfindex.delete(from);
    if (to !== undefined) this.#byIfindex.getOrInsertComputed(to, () => new Set()).add(id);
  }

  async #write(delta: LedgerDelta): Promise<void> {
    faultPoint('ledger-before-write');
    try {
      if (!(await this.#append(delta))) await this.#writeWhole(changedLedger(this.#content, delta));
      this.#onWrite?.('written');
    } catch (thrown) {
      this.#onWrite?.('failed');
      throw thrown;
    }
    faultPoint('ledger-after-write');
  }

  async #append(delta: LedgerDelta): Promise<boolean> {
    const before = this.#written;
    if (before === undefined) return false;
    const unwritten = this.#unwritten.values().map((id) => [id, this.#content.devices.get(id)] as const);
    this.#written = await appendLine(this.path, before, encodeChange(new Map([...unwritten, ...delta])));
    return this.#written !== undefined;
  }

  async #writeWhole(content: LedgerContent): Promise<void> {
    this.#written = undefined;
    if (this.#isBroken) {
      await setAside(this.path);
      faultPoint('ledger-set-aside');
    }
    const text = Buffer.from(encodeLedger(content));
    await writeFileAtomically(this.path, Buffer.concat([text], text.length + roomBytes));
    this.#isBroken = false;
    this.#written = lookAtFile(this.path, text.length);
  }
}

interface Waiting {
  readonly change: LedgerChange;
  readonly resolve: () => void;
  readonly reject: (error: MacvtapError) => void;
}

function notDone({ deviceID, entry }: LedgerChange, thrown: unknown): MacvtapError {
  const { code, message, facts } = MacvtapError.from(thrown);
  const what = entry === undefined ? 'removed from' : 'recorded in';
  return new MacvtapError(code, `device ${deviceID} cannot be ${what} the ledger: ${message}`, {
    facts: { ...facts, device: deviceID },
    cause: thrown,
  });
}

function closed({ deviceID }: LedgerChange, path: string): MacvtapError {
  return new MacvtapError('Aborted', `the ledger ${path} is closed: device ${deviceID} can no longer change`, {
    facts: { path, device: deviceID },
  });
}
