// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '../../policy/json.ts';

// These functions read fields of objects from the API server or from files. The objects may have any shape.

/** Returns the value at a path, or undefined if there is none. @example valueIn(pod, 'spec', 'nodeName') */
export function valueIn(object: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (isJsonObject(at) && Object.hasOwn(at, key) ? at[key] : undefined), object);
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
  return isJsonObject(value) ? value : {};
}

/**
 * Returns the status (`True`, `False`, `Unknown`) of an object's condition, or undefined if there is no such condition.
 */
export function conditionStatus(object: unknown, type: string): string | undefined {
  return textIn(conditionIn(object, type), 'status');
}

export function conditionIn(object: unknown, type: string): unknown {
  return listIn(object, 'status', 'conditions').find((condition) => textIn(condition, 'type') === type);
}

/** Returns the arguments of all containers of a DaemonSet or Deployment. */
export function argumentsOf(workload: unknown): readonly string[] {
  const containers = listIn(workload, 'spec', 'template', 'spec', 'containers');
  return containers.flatMap((container) => listIn(container, 'args').map(String));
}

/** Returns the value of the last `--name=value` among the arguments, or undefined if there is none. */
export function flagIn(args: readonly string[], name: string): string | undefined {
  const prefix = `--${name}=`;
  return args.findLast((argument) => argument.startsWith(prefix))?.slice(prefix.length);
}
