// SPDX-License-Identifier: Apache-2.0

import { isJsonObject, ownValue } from '../json-object.ts';
import { isLegalResourceName, resourcePrefix } from '../plan/resource-name.ts';
import { findPlugins, findTypeFaults, type MacvtapPlugin, pluginType } from './find-plugins.ts';
import { type Config, type ConfigFault, readConfig } from './read-config.ts';
import type { NadObject } from './rule.ts';

/** The annotation by which Multus finds the devices of a network. */
export const resourceAnnotation = 'k8s.v1.cni.cncf.io/resourceName';

/** Its value "false" keeps the webhook from writing into the config, for who compares it with a repository. */
const defaultConfigAnnotation = 'macvtap.network.kubevirt.io/default-config';

/** A network of ours, as far as it can be read. */
export interface NadFacts {
  /** Undefined for a network that gets its name only after admission (generateName). */
  readonly name: string | undefined;
  /** Undefined where it does not read, or where there is none and Multus takes a file of the node. */
  readonly config: Config | undefined;
  /** Why the config does not read. */
  readonly fault: ConfigFault | undefined;
  /** What our CNI plugin gets of the config. */
  readonly plugins: readonly MacvtapPlugin[];
  /** The resource's annotation as it is written; an empty one counts as none, as for Multus. */
  readonly annotation: string | undefined;
  /** The resource that the annotation names, without the prefix. */
  readonly resource: string | undefined;
  /** Whether the object has a map of annotations that another one can be put into. */
  readonly hasAnnotations: boolean;
  /** Whether defaults may be written into the config. */
  readonly defaultConfig: boolean;
}

/**
 * Reads a network that is ours; undefined for any other, and for one that is being deleted. Ours is
 * - a config of type macvtap, or a list with such a plugin;
 * - a config that nobody can run, if it mentions macvtap or is annotated with a resource of ours: its author meant us,
 *   and would else learn of it from pods that do not start. Another vendor's broken config is not ours to refuse;
 * - no config, annotated with a resource of ours: Multus takes a file of the node, and pods need the resource all the same.
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
 * The resource that pods of a network need, without the prefix: what the annotation names, whatever the type. Undefined
 * where it is none of ours.
 */
export function resourceOfNad(nad: NadObject): string | undefined {
  return resourceIn(textOf(ownValue(ownValue(nad, 'metadata'), 'annotations'), resourceAnnotation));
}

function readOurs(written: unknown, annotated: boolean): Pick<NadFacts, 'config' | 'fault' | 'plugins'> | undefined {
  if (written === undefined || written === null || written === '') {
    return annotated ? { config: undefined, fault: undefined, plugins: [] } : undefined;
  }
  // Most networks of a cluster are another vendor's: they are told apart without being parsed.
  if (typeof written === 'string' && !annotated && !mayName(written)) return undefined;
  const { config, fault } = readConfig(written);
  const plugins = config === undefined ? [] : findPlugins(config.tree);
  const broken = config === undefined || findTypeFaults(config.tree).length > 0;
  return plugins.length > 0 || (broken && (annotated || mentionsUs(written))) ? { config, fault, plugins } : undefined;
}

/** JSON can write any letter as an escape. */
function mayName(text: string): boolean {
  return text.includes(pluginType) || text.includes('\\u');
}

/** A config that was written as a YAML object instead of text is seen as what it would be. */
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
