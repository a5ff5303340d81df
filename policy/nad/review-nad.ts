// SPDX-License-Identifier: Apache-2.0
import { downgradeExistingErrors } from '../downgrade-existing-errors.ts';
import { type Edit, type Mutation, pointer } from '../json.ts';
import { resourcePrefix } from '../plan/resource.ts';
import type { Verdict } from '../reasons.ts';
import { addKeys, maxPlugins, type NewKey } from './config/read-config.ts';
import { type NadContext, type NadFacts, type NadObject, readNad, resourceAnnotation } from './read-nad.ts';
import { defaults, rules } from './rules.ts';

/**
 * Returns the verdicts of all rules about a macvtap network. Returns none for other networks and networks that are
 * being deleted. On an update, errors that the object already had are downgraded to warnings.
 */
export function reviewNad(nad: NadObject, context: NadContext): readonly Verdict[] {
  const verdicts = applyRules(nad, context);
  if (context.before === undefined || verdicts.every(({ severity }) => severity === 'warn')) return verdicts;
  return downgradeExistingErrors(verdicts, applyRules(context.before, context));
}

/** Reads a network, or returns the facts that the context remembers. */
function factsOf(nad: NadObject, { remembered }: NadContext): NadFacts | undefined {
  if (remembered === undefined) return readNad(nad);
  if (remembered.nad !== nad) Object.assign(remembered, { nad, facts: readNad(nad) });
  return remembered.facts;
}

function applyRules(nad: NadObject, context: NadContext): readonly Verdict[] {
  const facts = factsOf(nad, context);
  return facts === undefined ? [] : rules.flatMap(({ rule }) => rule(facts, context));
}

/**
 * Adds missing values to a macvtap network: the annotation that names its resource, and the name, CNI version and mode
 * in its config. The config keeps its formatting and order. A second pass changes nothing.
 *
 * Nothing is added if the network is not macvtap, cannot be read, has too many plugins, or is being deleted. The config
 * is not changed in two cases: an annotation opts out, or the config has ambiguous keys. In the second case, a key that
 * seems to be missing may exist in another spelling.
 *
 * @example { edits: [{ op: 'add', path: '/metadata/annotations', value: { 'k8s.v1.cni.cncf.io/resourceName': '…/data' }
 *   }, { op: 'replace', path: '/spec/config', value: '{"type":"macvtap","name":"data",…}' }], verdicts: [] }
 */
export function defaultNad(nad: NadObject, context: NadContext): Mutation {
  const written = factsOf(nad, context);
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

function editConfig({ config, ambiguous, defaultConfig }: NadFacts, keys: readonly NewKey[]): readonly Edit[] {
  return config === undefined || !defaultConfig || keys.length === 0 || ambiguous.length > 0
    ? []
    : [{ op: 'replace', path: pointer('spec', 'config'), value: addKeys(config, keys) }];
}

/**
 * Returns whether the API server must be queried before a network is reviewed or completed. The objects of one `kubectl
 * apply` arrive milliseconds apart, so the cache may lack a policy or namespace that was just created. There are three
 * cases:
 *
 * - The resource is not offered. A new policy may offer it.
 * - The resource was chosen by its parent, or because it is the only one. A new policy may offer another resource on
 *   that parent, or a second resource. A resource with the network's own name needs no query.
 * - The namespace is unknown. It may exist by now.
 */
export function needsLookup(nad: NadObject, context: NadContext): boolean {
  const { offers, namespaceLabels } = context;
  const facts = factsOf(nad, context);
  if (facts === undefined) return false;
  const { annotation, resource, plugins, name } = facts;
  if (resource !== undefined) return offers.ofResource(resource).length === 0;
  if (annotation !== undefined || plugins.length === 0) return false;
  return namespaceLabels === undefined || name === undefined || offers.ofResource(name).length === 0;
}
