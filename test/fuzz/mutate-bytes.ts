// SPDX-License-Identifier: Apache-2.0
import type { Random } from './random.ts';

/** The longest input. Longer ones cost more time than they are worth. */
export const maxLength = 16 * 1024;

/** Numbers at which parsers often fail: limits of types, lengths of headers, and their neighbors. */
const edges = [
  0, 1, 2, 3, 4, 7, 8, 12, 16, 20, 127, 128, 255, 256, 4_095, 4_096, 65_535, 65_536, 0x7fff_ffff, 0x8000_0000,
  0xffff_ffff,
] as const;

export interface Material {
  readonly random: Random;
  /** Inputs from which parts are taken. */
  readonly corpus: readonly Uint8Array[];
  readonly words: readonly Uint8Array[];
}

/** Returns a copy of the input with one to eight changes, of at most `maxLength` bytes. */
export function mutateBytes(input: Uint8Array, material: Material): Uint8Array {
  const { random } = material;
  let bytes = input;
  for (let left = 1 + random.below(random.pick([1, 2, 4, 8])); left > 0; left -= 1) {
    bytes = random.pick(mutations)(bytes, material);
  }
  return bytes.length > maxLength ? bytes.subarray(0, maxLength) : bytes;
}

type Mutation = (bytes: Uint8Array, material: Material) => Uint8Array;

const flipBit: Mutation = (bytes, { random }) =>
  changed(bytes, (copy, at) => {
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
  })(random);

const setByte: Mutation = (bytes, { random }) =>
  changed(bytes, (copy, at) => {
    copy[at] = random.pick([random.below(256), 0, 0xff, 0x20 + random.below(95)]);
  })(random);

const setNumber: Mutation = (bytes, { random }) =>
  changed(bytes, (copy, at) => {
    const value = random.pick(edges);
    const view = new DataView(copy.buffer, copy.byteOffset, copy.byteLength);
    const isLittle = random.below(2) === 0;
    if (random.below(2) === 0 && at + 4 <= copy.length) view.setUint32(at, value, isLittle);
    else if (at + 2 <= copy.length) view.setUint16(at, value & 0xffff, isLittle);
  })(random);

const insertRandom: Mutation = (bytes, { random }) =>
  spliced(
    bytes,
    random.below(bytes.length + 1),
    0,
    Uint8Array.from({ length: 1 + random.below(8) }, () => random.below(256)),
  );

const insertWord: Mutation = (bytes, { random, words }) =>
  words.length === 0
    ? bytes
    : spliced(bytes, random.below(bytes.length + 1), random.pick([0, 0, 1]), random.pick(words));

const removeRange: Mutation = (bytes, { random }) =>
  spliced(bytes, random.below(bytes.length), 1 + random.below(random.pick([1, 4, 64])), new Uint8Array());

const truncate: Mutation = (bytes, { random }) => bytes.subarray(0, random.below(bytes.length + 1));

/** Repeats a range. A few repetitions change what is read, and many show what it costs. */
const repeatRange: Mutation = (bytes, { random }) => {
  const start = random.below(bytes.length + 1);
  const part = bytes.subarray(start, start + 1 + random.below(random.pick([1, 8, 64])));
  const times = 1 + random.below(random.pick([2, 8, 64, 1_024]));
  const room = Math.max(0, maxLength - bytes.length);
  const count = part.length === 0 ? 0 : Math.min(times, Math.floor(room / part.length));
  return spliced(bytes, start, 0, Buffer.concat(Array.from({ length: count }, () => part)));
};

const takePart: Mutation = (bytes, { random, corpus }) => {
  const other = random.pick(corpus);
  const start = random.below(other.length + 1);
  const part = other.subarray(start, start + 1 + random.below(other.length + 1));
  return spliced(bytes, random.below(bytes.length + 1), random.below(part.length + 1), part);
};

const setDigits: Mutation = (bytes, { random }) => {
  const digits = [...Buffer.from(bytes).toString('latin1').matchAll(/\d+/g)];
  if (digits.length === 0) return bytes;
  const { index, 0: text } = random.pick(digits);
  const value = random.pick([...edges.map(String), '-1', '1.5', '1e999', '9007199254740993']);
  return spliced(bytes, index, text.length, Buffer.from(value));
};

const mutations: readonly Mutation[] = [
  flipBit,
  setByte,
  setNumber,
  insertRandom,
  insertWord,
  insertWord,
  removeRange,
  truncate,
  repeatRange,
  takePart,
  setDigits,
];

function changed(bytes: Uint8Array, change: (copy: Uint8Array, at: number) => void) {
  return (random: Random): Uint8Array => {
    if (bytes.length === 0) return Uint8Array.of(random.below(256));
    const copy = Uint8Array.from(bytes);
    change(copy, random.below(copy.length));
    return copy;
  };
}

function spliced(bytes: Uint8Array, at: number, removed: number, inserted: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + removed)]);
}
