// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { type ErrorCode, MacvtapError } from '../../runtime/errors.ts';

/** A parser of untrusted bytes, and the invariant that must hold for every input. */
export interface Target {
  /** @example 'netlink-link' */
  readonly name: string;
  /** One sentence for the report and for readers. A violation of it is a bug. */
  readonly invariant: string;
  /** How inputs are changed. `json` also changes values and keys if the input parses. */
  readonly shape: 'bytes' | 'text' | 'json';
  /** Valid inputs from which to start, in addition to the corpus. */
  readonly seeds: readonly (string | Uint8Array)[];
  /** Keywords of the format, to insert into inputs. Random bytes would hardly ever form them. */
  readonly words?: readonly string[];
  /** How many executed blocks of code one byte of input may cost; the default is `defaultStepsPerByte`. */
  readonly stepsPerByte?: number;
  /** Throws if the invariant does not hold. */
  readonly run: (input: Uint8Array) => void | Promise<void>;
}

/** How many executed blocks an input of any length may cost. */
const baseSteps = 60_000;

/** Linear parsers take 5 to 200 steps per byte. A quadratic parser exceeds this limit before the longest input. */
const defaultStepsPerByte = 400;

/** Returns how many steps an input of this length may take. */
export function stepsAllowed({ stepsPerByte = defaultStepsPerByte }: Target, length: number): number {
  return baseSteps + stepsPerByte * length;
}

/**
 * Returns the result of a parser, or undefined if it refuses its input with one of the codes. Any other error is passed
 * on.
 */
export function unlessRefused<Value>(codes: readonly ErrorCode[], parse: () => Value): Value | undefined {
  try {
    return parse();
  } catch (thrown) {
    if (thrown instanceof MacvtapError && codes.includes(thrown.code)) return undefined;
    throw thrown;
  }
}

/** Returns the value of JSON, or undefined if the text is not JSON. */
export function jsonOf(input: Uint8Array): unknown {
  try {
    return JSON.parse(textOf(input));
  } catch {
    return undefined;
  }
}

/** Decodes UTF-8. Invalid bytes become U+FFFD, as in every text that an API server passes on. */
export function textOf(input: Uint8Array): string {
  return new TextDecoder().decode(input);
}

const builtIns = [Object, Array, Function, String, Map].map(({ prototype }) => prototype as object);
const before = builtIns.map((prototype) => Reflect.ownKeys(prototype).length);

/** Throws if a key was added to a built-in prototype. */
export function checkPrototypes(): void {
  for (const [i, prototype] of builtIns.entries()) {
    assert.equal(Reflect.ownKeys(prototype).length, before[i], 'a built-in prototype was changed');
  }
}
