// SPDX-License-Identifier: Apache-2.0
import { isRecord } from '../../cluster/objects/known-object.ts';

/** What stands at a path of an object as the API server sends it; undefined where there is nothing. */
export function valueIn(object: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (isRecord(at) && Object.hasOwn(at, key) ? at[key] : undefined), object);
}

export function textIn(object: unknown, ...path: readonly string[]): string | undefined {
  const value = valueIn(object, ...path);
  return typeof value === 'string' ? value : undefined;
}

export function numberIn(object: unknown, ...path: readonly string[]): number {
  const value = valueIn(object, ...path);
  return typeof value === 'number' ? value : 0;
}

export function listIn(object: unknown, ...path: readonly string[]): readonly unknown[] {
  const value = valueIn(object, ...path);
  return Array.isArray(value) ? value : [];
}

export function mapIn(object: unknown, ...path: readonly string[]): Readonly<Record<string, unknown>> {
  const value = valueIn(object, ...path);
  return isRecord(value) ? value : {};
}
