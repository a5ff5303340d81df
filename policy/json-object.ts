// SPDX-License-Identifier: Apache-2.0

/** A map, as JSON has them. Keys such as `constructor` are its own or absent: always asked for by `ownValue`. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value is a map: neither null nor a list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What an object itself has under a key: nothing of what every object inherits, and nothing where there is no object. */
export function ownValue(value: unknown, key: string): unknown {
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** The same where null is nothing, too: Go writes the nil of what is left out so, and reads it as such. */
export function givenValue(value: unknown, key: string): unknown {
  return ownValue(value, key) ?? undefined;
}
