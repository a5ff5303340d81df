// SPDX-License-Identifier: Apache-2.0
import { type Edit, type Mutation, pointer } from '../edit.ts';
import { resourcePrefix } from '../plan/resource-name.ts';
import { defaults } from './defaults.ts';
import { addKeys, type NewKey } from './edit-config.ts';
import { maxPlugins } from './find-plugins.ts';
import { type NadFacts, readNad, resourceAnnotation } from './read-nad.ts';
import type { NadContext, NadObject } from './rule.ts';

/**
 * Fills what a macvtap network leaves out: the annotation that names its resource, and name, CNI version and mode in its
 * config, whose formatting and order stay. What was filled once is there, so a second pass changes nothing. A network
 * that is not ours, does not read, has too many plugins, or is being deleted is left alone, and so is the config of one
 * that says so.
 *
 * @example { edits: [{ op: 'add', path: '/metadata/annotations', value: { 'k8s.v1.cni.cncf.io/resourceName': '…/data' } },
 *   { op: 'replace', path: '/spec/config', value: '{"type":"macvtap","name":"data",…}' }], verdicts: [] }
 */
export function defaultNad(nad: NadObject, context: NadContext): Mutation {
  const written = readNad(nad);
  if (written === undefined || written.plugins.length === 0 || written.plugins.length > maxPlugins) {
    return { edits: [], verdicts: [] };
  }
  const keys: NewKey[] = [];
  let filled = written;
  for (const { fill } of defaults) {
    const added = fill(filled, context);
    filled = { ...filled, resource: added.resource ?? filled.resource };
    keys.push(...(added.keys ?? []));
  }
  return { edits: [...editAnnotation(written, filled), ...editConfig(written, keys)], verdicts: [] };
}

function editAnnotation(written: NadFacts, { resource }: NadFacts): readonly Edit[] {
  if (resource === undefined || resource === written.resource) return [];
  const value = `${resourcePrefix}${resource}`;
  return written.hasAnnotations
    ? [{ op: 'add', path: pointer('metadata', 'annotations', resourceAnnotation), value }]
    : [{ op: 'add', path: pointer('metadata', 'annotations'), value: { [resourceAnnotation]: value } }];
}

function editConfig({ config, defaultConfig }: NadFacts, keys: readonly NewKey[]): readonly Edit[] {
  return config === undefined || !defaultConfig || keys.length === 0
    ? []
    : [{ op: 'replace', path: pointer('spec', 'config'), value: addKeys(config, keys) }];
}
