// SPDX-License-Identifier: Apache-2.0
import { quote, shorten } from '../json.ts';
import { explicitKeys } from '../nad/config/known-keys.ts';
import { describeFault, findPlace } from '../nad/config/read-config.ts';
import { readItemsAsGo } from '../nad/config/read-items-as-go.ts';
import { reasons } from '../reasons.ts';
import { type Candidate, checkSuitability, plainCandidate, type SourceResult } from './candidate.ts';
import type { Interfaces } from './interfaces.ts';
import type { Finding } from './node-plan.ts';
import { isMode, type Mode, maxQuantity, quantityFor } from './resource.ts';

/** The config map has macvtap-cni's name and key, so that users of macvtap-cni can migrate without editing it. */
export const explicitConfigMap = { name: 'macvtap-deviceplugin-config', key: 'DP_MACVTAP_CONF' } as const;

/** One entry of macvtap-cni's configuration, with the same defaults as in macvtap-cni. */
export interface ExplicitEntry {
  readonly index: number;
  readonly name: string;
  readonly lowerDevice: string;
  /** Undefined if the text in `value` is not a mode. */
  readonly mode: Mode | undefined;
  readonly value: string;
  readonly quantity: number;
}

/**
 * The explicit configuration. If it cannot be read, `fault` is the reason, and `names` contains the resource names that
 * were still found in its text. An empty `entries` counts as an absent config map.
 */
export type ExplicitConfig =
  | { readonly entries: readonly ExplicitEntry[] }
  | { readonly fault: string; readonly names?: readonly string[] };

/**
 * Reads the value of DP_MACVTAP_CONF: `[{"name":"dataplane","lowerDevice":"eth0","mode":"bridge","capacity":50}]`.
 *
 * A capacity that is absent, zero or negative means 100. An absent mode means bridge. Unknown keys are ignored. As in
 * Go's encoding/json, keys are matched ignoring case, the last of repeated keys wins, and null is ignored. Source:
 * macvtap-cni cmd/deviceplugin and pkg/deviceplugin/lister.go.
 */
export function readExplicit(text: string): ExplicitConfig {
  if (text.trim() === '') return { entries: [] };
  const { items, fault } = readItemsAsGo(text, explicitKeys);
  if (fault !== undefined) return refuse(text, fault);
  const list: unknown = JSON.parse(text);
  if (list === null) return { entries: [] };
  if (!Array.isArray(list)) {
    const place = findPlace(text, text.search(/[^ \t\r\n]/));
    return refuse(text, describeFault({ ...place, text: `${quote(list)} where the [ of a list is expected` }));
  }
  const entries: ExplicitEntry[] = [];
  for (const [index, item] of list.entries()) {
    const entry = readEntry(item, index, (key) => items.get(index)?.get(key) ?? []);
    if ('fault' in entry) return refuse(text, entry.fault);
    entries.push(entry);
  }
  return { entries };
}

function refuse(text: string, fault: string): ExplicitConfig {
  const written = [...text.matchAll(/"name"\s*:\s*"([^"\\]+)"/gi)].map(([, name = '']) => name);
  return { fault, names: [...new Set(written)] };
}

function readEntry(
  item: unknown,
  index: number,
  valuesOf: (key: string) => readonly unknown[],
): ExplicitEntry | { fault: string } {
  const isObject = typeof item === 'object' && item !== null && !Array.isArray(item);
  if (!isObject) return { fault: `entry ${index}: ${quote(item)} instead of an object` };
  const names = valuesOf('name');
  const fault = (detail: string) => ({ fault: `${entryText(index, names.at(-1))}: ${detail}` });
  const texts = [names, valuesOf('lowerDevice'), valuesOf('mode')];
  for (const [at, key] of (['name', 'lowerDevice', 'mode'] as const).entries()) {
    const wrong = texts[at]?.find((value) => typeof value !== 'string');
    if (wrong !== undefined) return fault(`${key} ${quote(wrong)} instead of text`);
  }
  const capacities = valuesOf('capacity');
  const wrong = capacities.find((value) => !Number.isInteger(value));
  if (wrong !== undefined) return fault(`capacity ${quote(wrong)} instead of an integer`);
  const [name = '', lowerDevice = '', value = ''] = texts.map((values) => values.at(-1) as string | undefined);
  const capacity = (capacities.at(-1) ?? 0) as number;
  const mode = value === '' ? 'bridge' : isMode(value) ? value : undefined;
  return { index, name, lowerDevice, mode, value, quantity: capacity > 0 ? capacity : quantityFor('bridge') };
}

/** Returns the position of an entry for an error message: `entry 1 (dataplane)`. */
function entryText(index: number, name: unknown): string {
  return typeof name === 'string' && name !== '' ? `entry ${index} (${shorten(name)})` : `entry ${index}`;
}

/** An error of the explicit configuration, and the resources that are missing because of it. */
export interface ExplicitError {
  readonly text: string;
  readonly names: readonly string[];
}

/**
 * Returns the errors that apply to every node: the configuration cannot be read, or an entry has an unknown mode. If
 * several entries have the same name, only the last one counts.
 */
export function findExplicitErrors(config: ExplicitConfig | undefined): readonly ExplicitError[] {
  if (config === undefined) return [];
  if ('fault' in config) return [{ text: config.fault, names: config.names ?? [] }];
  return [...new Map(config.entries.map((entry) => [entry.name, entry])).values()]
    .filter(({ mode }) => mode === undefined)
    .map(({ index, name, value }) => ({
      text: `${entryText(index, name)}: mode ${quote(value)} is ${reasons.UnknownMode}`,
      names: [name],
    }));
}

/** The maximum number of errors in a message. */
const mostErrors = 3;

/** Joins errors into one text: `entry 0 (a): mode "Bridge" is not …; and 2 more`. */
export function describeExplicitErrors(texts: readonly string[]): string {
  const more = texts.length - mostErrors;
  return [...texts.slice(0, mostErrors), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

/** Returns the command that opens the configuration for editing. */
export function editExplicit(namespace: string): string {
  return `kubectl edit configmap ${explicitConfigMap.name} -n ${namespace}`;
}

/**
 * Returns the message for the reason ExplicitInvalid on a node: the errors and the fix. Returns undefined if there are
 * no errors.
 */
export function explicitTrouble(texts: readonly string[], namespace: string): string | undefined {
  if (texts.length === 0) return undefined;
  return `${reasons.ExplicitInvalid}: ${describeExplicitErrors(texts)}; to fix it, run ${editExplicit(namespace)}`;
}

/**
 * Returns the candidates of macvtap-cni's configuration on a node. If a name is repeated, its last entry is used, as in
 * macvtap-cni, and the earlier entries are reported.
 *
 * A configuration that cannot be read exposes nothing. Falling back to implicit exposure would offer interfaces that
 * its author meant to exclude.
 */
export function candidatesFromExplicit(config: ExplicitConfig, interfaces: Interfaces): SourceResult {
  if ('fault' in config) {
    return { candidates: [], skipped: [{ code: 'ExplicitInvalid', source: 'explicit', value: config.fault }] };
  }
  const candidates: Candidate[] = [];
  const skipped: Finding[] = [];
  const last = new Map(config.entries.map((entry) => [entry.name, entry]));
  for (const entry of config.entries) {
    const found =
      last.get(entry.name) === entry
        ? toCandidate(entry, interfaces)
        : { skipped: [{ code: 'RepeatedName', ...originOf(entry), resource: entry.name } as const] };
    skipped.push(...found.skipped);
    if (found.candidate !== undefined) candidates.push(found.candidate);
  }
  return { candidates, skipped };
}

function toCandidate(
  entry: ExplicitEntry,
  interfaces: Interfaces,
): { candidate?: Candidate; skipped: readonly Finding[] } {
  const origin = originOf(entry);
  const { mode, name, lowerDevice } = entry;
  if (mode === undefined) return { skipped: [{ code: 'UnknownMode', ...origin, resource: name, value: entry.value }] };
  const nic = interfaces.find(lowerDevice);
  if (nic === undefined) return { skipped: [{ code: 'NothingFound', ...origin, interface: lowerDevice }] };
  const fault = checkSuitability(nic, { resourceName: name, mode, allowHostInterface: false }, interfaces);
  if (fault !== undefined) return { skipped: [{ ...fault, ...origin, interface: nic.name }] };
  const limit = mode === 'passthru' ? 1 : maxQuantity;
  const code = mode === 'passthru' ? 'PassthruQuantity' : 'QuantityAboveLimit';
  return {
    candidate: plainCandidate(origin, name, nic, mode, Math.min(entry.quantity, limit)),
    skipped: entry.quantity > limit ? [{ code, ...origin, resource: name, value: String(entry.quantity) }] : [],
  };
}

function originOf({ index }: ExplicitEntry): { readonly source: 'explicit'; readonly entry: number } {
  return { source: 'explicit', entry: index };
}
