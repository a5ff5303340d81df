// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, ownValue } from '../json.ts';
import type { Offers } from '../offers/offers.ts';
import type { Labels } from '../plan/match-labels.ts';
import { isLegalResourceName, resourcePrefix } from '../plan/resource.ts';
import type { Verdict } from '../reasons.ts';
import {
  type Config,
  type ConfigFault,
  findMisspelledTypes,
  findPlugins,
  findTypeFaults,
  hasType,
  type MacvtapPlugin,
  type MisspelledType,
  type NewKey,
  pluginType,
  readConfig,
} from './config/read-config.ts';
import type { AmbiguousKey } from './config/scan-config.ts';

/**
 * A NetworkAttachmentDefinition from an admission request or a file. It is not validated: despite the types, any field
 * may have any value.
 */
export interface NadObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly annotations?: Readonly<Record<string, string>> | null;
    readonly deletionTimestamp?: string;
  };
  readonly spec?: { readonly config?: unknown };
}

/** The facts that rules need in addition to the network. */
export interface NadContext {
  readonly offers: Offers;
  /** The labels of the network's namespace; undefined if they are unknown. */
  readonly namespaceLabels: Labels | undefined;
  /** How to treat a network whose resource is offered by no policy and no node. */
  readonly unknownResource: 'Deny' | 'Warn' | 'Allow';
  /** The old network, on an update. */
  readonly before?: NadObject;
  /** Remembers the facts of the last network in this context, because several functions need them. */
  readonly remembered?: RememberedNad;
}

/** Remembers the facts about one network. Nothing may change a network that was read. */
interface RememberedNad {
  nad?: NadObject;
  facts?: NadFacts | undefined;
}

/** A rule. Returns its verdicts about a network. */
export type NadRule = (nad: NadFacts, context: NadContext) => readonly Verdict[];

/** The values that defaults add to a network. */
export interface Fill {
  /** The resource's name, without the prefix. */
  readonly resource?: string;
  readonly keys?: readonly NewKey[];
}

/** A default. It adds missing values and never changes existing ones. */
export type NadDefault = (nad: NadFacts, context: NadContext) => Fill;

/** The annotation that Multus uses to find the devices of a network. */
export const resourceAnnotation = 'k8s.v1.cni.cncf.io/resourceName';

/**
 * If this annotation is "false", the webhook does not change the config. The config then stays identical to the one in
 * a Git repository.
 */
const defaultConfigAnnotation = 'macvtap.network.kubevirt.io/default-config';

/** A macvtap network; fields that cannot be read are undefined. */
export interface NadFacts {
  /** Undefined for a network that is named only after admission (generateName). */
  readonly name: string | undefined;
  /** Undefined if the config cannot be read, or if it is absent and Multus uses a file on the node. */
  readonly config: Config | undefined;
  /** Why the config cannot be read. */
  readonly fault: ConfigFault | undefined;
  /** The parts of the config for this project's CNI plugin. */
  readonly plugins: readonly MacvtapPlugin[];
  /** The types that are almost macvtap. Empty unless the network is annotated with a resource of this project. */
  readonly misspelledTypes: readonly MisspelledType[];
  /** The keys of the config that readers may interpret differently and that concern macvtap. */
  readonly ambiguous: readonly AmbiguousKey[];
  /** The resource annotation as written. An empty one is treated as absent, as in Multus. */
  readonly annotation: string | undefined;
  /** The resource that the annotation names, without the prefix. */
  readonly resource: string | undefined;
  /** Whether the object has a map of annotations, so that an annotation can be added to it. */
  readonly hasAnnotations: boolean;
  /** Whether defaults may be written into the config. */
  readonly defaultConfig: boolean;
}

/**
 * Reads a macvtap network. Returns undefined for any other network, and for one that is being deleted. A macvtap
 * network has one of:
 * - a config of type macvtap, or a list with such a plugin;
 * - a config with ambiguous keys that any of its readers may interpret as type macvtap;
 * - a config that cannot be used, if it mentions macvtap or is annotated with a resource of this project. Without an
 *   error, its author would notice only that pods do not start. Invalid configs of other vendors are not rejected;
 * - a config whose type is almost macvtap, if it is annotated with a resource of this project. In this case, only the
 *   type and the annotation are read;
 * - no config, but an annotation with a resource of this project. In this case, Multus uses a file on the node, and
 *   pods still need the resource.
 */
export function readNad(nad: NadObject): NadFacts | undefined {
  const metadata = ownValue(nad, 'metadata');
  if (!isJsonObject(metadata) || typeof ownValue(metadata, 'deletionTimestamp') === 'string') return undefined;
  const annotations = ownValue(metadata, 'annotations');
  const annotation = textOf(annotations, resourceAnnotation);
  const reading = readOurs(ownValue(ownValue(nad, 'spec'), 'config'), annotation?.startsWith(resourcePrefix) ?? false);
  return (
    reading && {
      ...reading,
      name: textOf(metadata, 'name'),
      annotation,
      resource: resourceIn(annotation),
      hasAnnotations: isJsonObject(annotations),
      defaultConfig: textOf(annotations, defaultConfigAnnotation) !== 'false',
    }
  );
}

/**
 * Returns the resource that the annotation of a network names, without the prefix. The network may have any type.
 * Returns undefined if the resource is not one of this project.
 */
export function resourceOfNad(nad: NadObject): string | undefined {
  return resourceIn(textOf(ownValue(ownValue(nad, 'metadata'), 'annotations'), resourceAnnotation));
}

type ReadConfig = Pick<NadFacts, 'config' | 'fault' | 'plugins' | 'misspelledTypes' | 'ambiguous'>;

const unreadConfig: ReadConfig = {
  config: undefined,
  fault: undefined,
  plugins: [],
  misspelledTypes: [],
  ambiguous: [],
};

function readOurs(written: unknown, annotated: boolean): ReadConfig | undefined {
  if (written === undefined || written === null || written === '') {
    return annotated ? unreadConfig : undefined;
  }
  // This check avoids parsing networks of other vendors, which are the majority in most clusters.
  if (typeof written === 'string' && !annotated && !mayName(written)) return undefined;
  const { config, fault } = readConfig(written);
  const plugins = config === undefined ? [] : findPlugins(config.tree);
  const broken = config === undefined || findTypeFaults(config.tree).length > 0;
  const isOurs =
    plugins.length > 0 ||
    (config !== undefined && mayBeMacvtap(config)) ||
    (broken && (annotated || mentionsUs(written)));
  const misspelledTypes = annotated && config !== undefined ? findMisspelledTypes(config.tree) : [];
  if (!isOurs) return misspelledTypes.length > 0 ? { ...unreadConfig, misspelledTypes } : undefined;
  return { config, fault, plugins, misspelledTypes, ambiguous: config === undefined ? [] : ambiguousIn(config) };
}

/**
 * Returns whether some reader may treat a config as macvtap although the exactly spelled keys describe another plugin.
 * Examples are `{"type":"bridge","TYPE":"macvtap"}`, and a list of plugins under the key `PLUGINS`. If the top of the
 * config has an unambiguous type, every reader uses that type.
 */
function mayBeMacvtap({ tree, layout: { ambiguous }, macvtapAt }: Config): boolean {
  const isUnclear = (place: string, exact: string): boolean =>
    ambiguous.some((found) => found.place === place && found.exact === exact);
  if (macvtapAt.size === 0) return false;
  if (isUnclear('', 'type')) return true;
  return !hasType(tree) && (isUnclear('', 'plugins') || isUnclear('plugins[]', 'type'));
}

/** Returns the ambiguous keys that concern macvtap. For a plugin of another vendor, only its type is relevant. */
function ambiguousIn({ layout: { ambiguous }, macvtapAt }: Config): readonly AmbiguousKey[] {
  return ambiguous.filter(
    ({ place, index, exact }) =>
      !place.startsWith('plugins[]') || macvtapAt.has(index) || (place === 'plugins[]' && exact === 'type'),
  );
}

/** Returns whether a JSON text may contain the plugin's type. An escape sequence can represent any letter. */
function mayName(text: string): boolean {
  return text.includes(pluginType) || text.includes('\\u');
}

/** Returns whether a config mentions macvtap. If the author forgot the quotes in YAML, the config is an object. */
function mentionsUs(written: unknown): boolean {
  if (typeof written === 'string') return written.includes(pluginType);
  return isJsonObject(written) && findPlugins(written).length > 0;
}

function resourceIn(annotation: string | undefined): string | undefined {
  if (!annotation?.startsWith(resourcePrefix)) return undefined;
  const name = annotation.slice(resourcePrefix.length);
  return isLegalResourceName(name) ? name : undefined;
}

function textOf(object: unknown, key: string): string | undefined {
  const value = ownValue(object, key);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
