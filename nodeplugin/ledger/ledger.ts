// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { removeTemporaryFiles, writeFileAtomically } from '../../runtime/atomic-file.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { faultPoint } from '../../runtime/fault-point.ts';
import { appendLine, type KnownFile, lookAtFile } from './append-line.ts';
import { applyDelta, changedLedger, decideDelta, type LedgerChange, type LedgerDelta } from './change-ledger.ts';
import type { DeviceEntry, DeviceRecord } from './device-record.ts';
import { encodeChange, encodeLedger } from './encode-ledger.ts';
import { isNews } from './is-news.ts';
import { copyLedger, highestUse, type LedgerContent, type MutableLedgerContent } from './ledger-content.ts';
import { loadLedger } from './load-ledger.ts';
import { lockDirectory } from './lock-directory.ts';
import { makeStateDirectory } from './make-state-directory.ts';
import { setAside } from './set-aside.ts';

export interface LedgerOptions {
  /** The node plugin's state directory; made where it is missing. */
  readonly directory: string;
  readonly nodeName: string;
  /** Is told what is odd about the file that was found, and that it cannot be written although it should be. */
  readonly onWarning: (warning: MacvtapError) => void;
  /** Told of each write. */
  readonly onWrite?: (outcome: 'written' | 'failed') => void;
}

/** The room for changes behind the text of a whole ledger, which is written anew when it is full: some two hundred. */
const roomBytes = 64 * 1024;

/**
 * What the devices of a node were given, in `<directory>/ledger.json`. It holds nothing that is not durable, but for the
 * newest order of use: what `get` and `entries` tell is what a process that starts after a crash finds. Changes that are
 * asked for while a write is under way wait and are written together by the next one, so that many at once cost two or
 * three writes.
 *
 * The file is a JSON text, a line for each write since, and NULs where more have room. A process writes it whole at first, so that it only ever appends
 * to what it wrote itself, and again when many lines followed; never in place, but by a rename. So there is no moment at
 * which a kill, or a crash of the machine, leaves less than what somebody was told to be durable.
 */
export class Ledger implements AsyncDisposable {
  readonly path: string;
  readonly #content: MutableLedgerContent;
  #lastUsed: number;
  #isBroken: boolean;
  /** Undefined until this process wrote the file whole, and after it could not append. */
  #written: KnownFile | undefined;
  /** Devices that were used without a write of their own: the next one has their place in the order of use. */
  readonly #unwritten = new Set<string>();
  #isClosed = false;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  readonly #scope: AsyncDisposable;
  readonly #onWrite: LedgerOptions['onWrite'];

  /**
   * Takes the directory for this process and reads the ledger. Raises LedgerLocked and LedgerUnavailable; a broken file
   * or one that cannot be written is a warning.
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
    // At once, so that the readable records do not depend on the broken file for longer than they must.
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

  /**
   * Replaces what the device had, if anything, and makes it the one used last. Resolves when that is durable. Raises
   * FileNotWritten, and then the ledger is as if nobody had asked.
   */
  record(deviceID: string, entry: DeviceEntry): Promise<void> {
    return this.#change({ deviceID, entry });
  }

  /** Likewise; a device that has no entry costs no write. */
  forget(deviceID: string): Promise<void> {
    return this.#change({ deviceID, entry: undefined });
  }

  /** Writes what was asked for before, and gives the directory free. */
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
    // What is asked for in the same turn of the event loop shares the first write.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        const changes = batch.map(({ change }) => change);
        const delta = decideDelta(this.#content, changes, this.#lastUsed);
        const isWritten = isNews(this.#content, delta);
        if (isWritten) await this.#write(delta);
        this.#adopt(delta, isWritten);
        for (const { resolve } of batch) resolve();
      } catch (thrown) {
        for (const { change, reject } of batch) reject(notDone(change, thrown));
      }
    }
    // In the same turn as the last look at what waits: whoever is told now may ask again at once.
    this.#writing = undefined;
  }

  #adopt(delta: LedgerDelta, isWritten: boolean): void {
    applyDelta(this.#content, delta);
    for (const kept of delta.values()) this.#lastUsed = Math.max(this.#lastUsed, kept?.record.lastUsed ?? 0);
    if (isWritten) this.#unwritten.clear();
    else for (const id of delta.keys()) this.#unwritten.add(id);
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
  const what = entry === undefined ? 'forgotten' : 'recorded';
  return new MacvtapError(code, `device ${deviceID} cannot be ${what} in the ledger: ${message}`, {
    facts: { ...facts, device: deviceID },
    cause: thrown,
  });
}

function closed({ deviceID }: LedgerChange, path: string): MacvtapError {
  return new MacvtapError('Aborted', `the ledger ${path} is closed: nothing changes for device ${deviceID} any more`, {
    facts: { path, device: deviceID },
  });
}
