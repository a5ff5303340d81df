// SPDX-License-Identifier: Apache-2.0
import { maxLength } from './mutate-bytes.ts';
import type { Group } from './targets.ts';

/** The parameters that a worker receives when it starts. */
export interface Order {
  readonly group: Group;
  readonly name: string;
  readonly seed: number;
  readonly seconds: number;
  /**
   * The input that runs now, which can be read even if the worker hangs: the count of inputs so far, its length, its
   * bytes.
   */
  readonly shared: SharedArrayBuffer;
}

const headLength = 8;

/** The longest stored input. Seeds may be longer than mutated inputs. */
const longest = 4 * maxLength;

export function makeShared(): SharedArrayBuffer {
  return new SharedArrayBuffer(headLength + longest);
}

export function shareInput(shared: SharedArrayBuffer, input: Uint8Array): void {
  const [head, bytes] = [new Int32Array(shared, 0, 2), new Uint8Array(shared, headLength)];
  bytes.set(input.subarray(0, longest));
  head[1] = Math.min(input.length, longest);
  Atomics.add(head, 0, 1);
}

export function readSharedInput(shared: SharedArrayBuffer): { readonly count: number; readonly input: Uint8Array } {
  const head = new Int32Array(shared, 0, 2);
  const count = Atomics.load(head, 0);
  return { count, input: Uint8Array.from(new Uint8Array(shared, headLength, head[1])) };
}
