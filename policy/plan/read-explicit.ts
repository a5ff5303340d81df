// SPDX-License-Identifier: Apache-2.0
import { isMode, type Mode, quantityFor } from './mode.ts';

/** Name and key of upstream's config map, kept, so that its users can move without an edit. */
export const explicitConfigMap = { name: 'macvtap-deviceplugin-config', key: 'DP_MACVTAP_CONF' } as const;

/** One entry of upstream's configuration, read as upstream reads it. */
export interface ExplicitEntry {
  readonly index: number;
  readonly name: string;
  readonly lowerDevice: string;
  /** Undefined when the text is no mode; `value` then holds it. */
  readonly mode: Mode | undefined;
  readonly value: string;
  readonly quantity: number;
}

/** The configuration, or why it cannot be read. No entries mean: no explicit configuration. */
export type ExplicitConfig = { readonly entries: readonly ExplicitEntry[] } | { readonly fault: string };

/**
 * Reads the value of DP_MACVTAP_CONF, `[{"name":"dataplane","lowerDevice":"eth0","mode":"bridge","capacity":50}]`: a
 * capacity of zero, less, or absent means 100; an absent mode means bridge; unknown keys are passed over, keys match
 * in any case, as Go's encoding/json does. Source: macvtap-cni cmd/deviceplugin and pkg/deviceplugin/lister.go.
 */
export function readExplicit(text: string): ExplicitConfig {
  if (text.trim() === '') return { entries: [] };
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    return { fault: `no JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
  if (list === null) return { entries: [] };
  if (!Array.isArray(list)) return { fault: 'not a list' };
  const entries: ExplicitEntry[] = [];
  for (const [index, item] of list.entries()) {
    const entry = readEntry(item, index);
    if ('fault' in entry) return { fault: `entry ${index}: ${entry.fault}` };
    entries.push(entry);
  }
  return { entries };
}

function readEntry(item: unknown, index: number): ExplicitEntry | { fault: string } {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return { fault: 'not an object' };
  const fields = new Map(Object.entries(item).map(([key, value]) => [key.toLowerCase(), value ?? undefined]));
  const name = fields.get('name') ?? '';
  const lowerDevice = fields.get('lowerdevice') ?? '';
  const value = fields.get('mode') ?? '';
  const capacity = fields.get('capacity') ?? 0;
  if (typeof name !== 'string' || typeof lowerDevice !== 'string' || typeof value !== 'string') {
    return { fault: 'name, lowerDevice and mode are strings' };
  }
  if (typeof capacity !== 'number' || !Number.isInteger(capacity)) return { fault: 'capacity is an integer' };
  const mode = value === '' ? 'bridge' : isMode(value) ? value : undefined;
  return { index, name, lowerDevice, mode, value, quantity: capacity > 0 ? capacity : quantityFor('bridge') };
}
