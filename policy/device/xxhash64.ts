// SPDX-License-Identifier: Apache-2.0
import xxhash from 'xxhash-wasm';

const { h64 } = await xxhash();

/** XXH64 of a text's UTF-8 bytes with seed 0, as upstream's plugin computes it. */
export function xxhash64(text: string): bigint {
  return h64(text);
}
