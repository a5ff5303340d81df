// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, type JsonObject, ownValue, quote } from '../../json.ts';
import { nearestNames } from '../../names.ts';
import { configKeys } from './known-keys.ts';
import { type KnownValue, type LastProperty, type Layout, scanConfig } from './scan-config.ts';

/** A config that was parsed successfully. */
export interface Config {
  readonly text: string;
  readonly tree: JsonObject;
  readonly layout: Layout;
  /**
   * The places where `type`, in any spelling, has the value macvtap. A number is an index in the list of plugins;
   * undefined is the top of the config.
   */
  readonly macvtapAt: ReadonlySet<number | undefined>;
}

/** Why a config cannot be read: `{ line: 3, column: 3, text: 'a comma is missing before "mtu"' }`. */
export interface ConfigFault {
  /** Starts at 1. A line ends with LF, CR LF or CR. Line and column are absent if the config is not a string. */
  readonly line?: number;
  /** Starts at 1, in UTF-16 code units, like in editors. */
  readonly column?: number;
  readonly text: string;
}

/** The result of reading a config: either a config or an error. */
export interface ConfigReading {
  readonly config?: Config;
  readonly fault?: ConfigFault;
}

/**
 * Reads spec.config. Returns the config if it is a JSON object, or else the position of the error and an explanation.
 * Never throws, not even for a text that is very long, deeply nested or malformed.
 */
export function readConfig(written: unknown): ConfigReading {
  if (typeof written !== 'string') return { fault: { text: `${quote(written)} instead of text: write config: '{…}'` } };
  const macvtapAt = new Set<number | undefined>();
  const onValue = ({ exact, index, token }: KnownValue) => {
    if (exact === 'type' && token.kind === '"' && token.value === pluginType) macvtapAt.add(index);
  };
  const scan = scanConfig(written, { known: configKeys, onValue });
  if ('fault' in scan) return { fault: { ...findPlace(written, scan.fault.offset), text: scan.fault.text } };
  const tree: unknown = JSON.parse(written);
  if (isJsonObject(tree)) return { config: { text: written, tree, layout: scan.layout, macvtapAt } };
  const offset = written.search(/[^ \t\r\n]/);
  return { fault: { ...findPlace(written, offset), text: `${quote(tree)} where the { of an object is expected` } };
}

/** Formats the error with its position for a message: `line 3, column 3: a comma is missing before "mtu"`. */
export function describeFault({ line, column, text }: ConfigFault): string {
  return line === undefined ? text : `line ${line}, column ${column}: ${text}`;
}

/** Returns the line and the column of an offset in a text. Both start at 1. */
export function findPlace(text: string, offset: number): { readonly line: number; readonly column: number } {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: lines.length, column: (lines.at(-1) as string).length + 1 };
}

/** The type of this project's CNI plugin. */
export const pluginType = 'macvtap';

/** A part of a config that this project's CNI plugin handles. */
export interface MacvtapPlugin {
  /** `''` for the object at the top, otherwise `plugins[1]`. */
  readonly object: string;
  /** The path in verdicts: `spec.config`, `spec.config.plugins[1]`. */
  readonly path: string;
  readonly conf: JsonObject;
}

/**
 * Why the config cannot be used: `{ path: 'spec.config.plugins[1]', text: 'null instead of an object with a type' }`.
 */
export interface TypeFault {
  readonly path: string;
  readonly text: string;
}

/** The path of the config in a NetworkAttachmentDefinition. */
export const configPath = 'spec.config';

/**
 * The maximum number of macvtap plugins in a config. A config normally has one or a few. A malicious config could have
 * fifty thousand, and the webhook checks and completes each of them.
 */
export const maxPlugins = 64;

/** The maximum number of errors of one kind to report. A malicious list could have a hundred thousand. */
const maxFaults = 8;

/**
 * Returns the macvtap plugins of a config. If the top of the config has a type, Multus uses this type and ignores the
 * list of plugins. Returns at most `maxPlugins` + 1 plugins, which is enough to see that there are too many.
 * Source: Multus pkg/types/conf.go, LoadDelegateNetConf.
 */
export function findPlugins(tree: JsonObject): readonly MacvtapPlugin[] {
  if (hasType(tree)) return ownValue(tree, 'type') === pluginType ? [{ object: '', path: configPath, conf: tree }] : [];
  return listOf(tree)
    .map((conf, index) => ({ conf, index }))
    .filter((plugin): plugin is { conf: JsonObject; index: number } => ownValue(plugin.conf, 'type') === pluginType)
    .slice(0, maxPlugins + 1)
    .map(({ conf, index }) => ({ object: `plugins[${index}]`, path: `${configPath}.plugins[${index}]`, conf }));
}

/** Returns whether the top of the config has a type. An empty type is treated as absent, as in Go. */
export function hasType(tree: JsonObject): boolean {
  return (ownValue(tree, 'type') ?? '') !== '';
}

/**
 * Returns why the config cannot be used, with at most `maxFaults` errors. Every plugin in a list needs a type.
 * Source: libcni/api.go, NetworkPluginConfFromBytes.
 */
export function findTypeFaults(tree: JsonObject): readonly TypeFault[] {
  const type = ownValue(tree, 'type');
  if (hasType(tree)) {
    return isText(type) ? [] : [{ path: `${configPath}.type`, text: `${quote(type)} instead of text` }];
  }
  const plugins = ownValue(tree, 'plugins');
  if (plugins === undefined)
    return [{ path: configPath, text: `neither type nor plugins: write "type": "${pluginType}"` }];
  const path = `${configPath}.plugins`;
  if (!Array.isArray(plugins)) return [{ path, text: `${quote(plugins)} instead of a list` }];
  if (plugins.length === 0) return [{ path, text: `an empty list: put {"type": "${pluginType}"} into it` }];
  return plugins
    .map((plugin, index) => ({ plugin, index }))
    .filter(({ plugin }) => !isText(ownValue(plugin, 'type')))
    .slice(0, maxFaults)
    .map(({ plugin, index }) => ({
      path: `${path}[${index}]`,
      text: `${quote(plugin)} instead of an object with a type`,
    }));
}

function listOf(tree: JsonObject): readonly unknown[] {
  const plugins = ownValue(tree, 'plugins');
  return Array.isArray(plugins) ? plugins : [];
}

function isText(type: unknown): boolean {
  return typeof type === 'string' && type !== '';
}

/** A key to add to an object of the config: `{ object: 'plugins[1]', key: 'mode', value: 'bridge' }`. */
export interface NewKey {
  /** `''` for the object at the top. The object must have other properties, but not this key. */
  readonly object: string;
  readonly key: string;
  readonly value: string;
}

/** The maximum length of a gap (the text before a key) that is copied to new keys. Real indentation is never longer. */
const maxGap = 200;

/**
 * Adds keys after the last key of their objects, with the same spacing and indentation. No other character changes, and
 * a text on one line remains on one line.
 *
 * @example '{"type":"macvtap"}' becomes '{"type":"macvtap","mode":"bridge"}'
 */
export function addKeys({ text, layout }: Config, keys: readonly NewKey[]): string {
  const insertions = [...Map.groupBy(keys, ({ object }) => object)]
    .map(([object, added]) => {
      const last = layout.objects.get(object) as LastProperty;
      const colon = /^[ \t]*:[ \t]*$/.test(last.colon) ? last.colon : ': ';
      const gap = gapFor(last, colon);
      const written = added.map(({ key, value }) => `,${gap}${JSON.stringify(key)}${colon}${JSON.stringify(value)}`);
      return { offset: last.end, written: written.join('') };
    })
    .sort((left, right) => left.offset - right.offset);
  const parts = insertions.map(
    ({ offset, written }, index) => text.slice(insertions[index - 1]?.offset, offset) + written,
  );
  return [...parts, text.slice(insertions.at(-1)?.offset)].join('');
}

/**
 * Returns the gap to write before a new key, which is usually the gap before the last key. In `{"type": "macvtap"}`,
 * the only key has no gap before it, but a space after its colon. In this case the gap is a space.
 */
function gapFor({ gap, only }: LastProperty, colon: string): string {
  if (gap.length > maxGap) return ' ';
  return only && gap === '' && colon.endsWith(' ') ? ' ' : gap;
}

/** A type that is almost macvtap: `{ path: 'spec.config.plugins[1].type', type: 'macvatp' }`. */
export interface MisspelledType {
  readonly path: string;
  readonly type: string;
}

/** Types of other plugins that are similar to macvtap but not misspelled. */
const otherTypes: ReadonlySet<string> = new Set(['macvlan', 'macsec', 'mactap', 'ipvtap']);

/** The maximum number of types to report. A malicious list could have a hundred thousand. */
const maxTypes = 8;

/**
 * Returns the types in a config that are almost macvtap: they differ in case, or by up to two letters. The CNI runtime
 * looks for a program with exactly the name of the type.
 */
export function findMisspelledTypes(tree: JsonObject): readonly MisspelledType[] {
  if (hasType(tree)) return misspelled(ownValue(tree, 'type'), `${configPath}.type`);
  const plugins = ownValue(tree, 'plugins');
  if (!Array.isArray(plugins)) return [];
  const found: MisspelledType[] = [];
  for (const [index, plugin] of plugins.entries()) {
    if (found.length === maxTypes) break;
    if (isJsonObject(plugin))
      found.push(...misspelled(ownValue(plugin, 'type'), `${configPath}.plugins[${index}].type`));
  }
  return found;
}

function misspelled(type: unknown, path: string): readonly MisspelledType[] {
  if (typeof type !== 'string' || type === pluginType || otherTypes.has(type)) return [];
  return nearestNames(type.trim(), [pluginType]).length > 0 ? [{ path, type }] : [];
}
