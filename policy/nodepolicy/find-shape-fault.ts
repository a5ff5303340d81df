// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '../json.ts';
import type { LabelOperator } from '../plan/match-labels.ts';
import { isCarrierLossAction, isMode, readGracePeriod } from '../plan/resource.ts';
import type { NicSelector } from './rule.ts';

/**
 * Checks a value. Returns the path of the first value that does not have the expected shape, or undefined if there is
 * none.
 */
type Shape = (value: unknown, path: string) => string | undefined;

const operators: Readonly<Record<LabelOperator, true>> = {
  In: true,
  NotIn: true,
  Exists: true,
  DoesNotExist: true,
  Gt: true,
  Lt: true,
};

/**
 * The maximum number of items in a list, as in the schema. The limit matters because some rules compare each item with
 * all others.
 */
const maxItems = 64;

const anything: Shape = () => undefined;
const text = shapeOf((value) => typeof value === 'string');
const number = shapeOf((value) => typeof value === 'number');
const flag = shapeOf((value) => typeof value === 'boolean');
const map = shapeOf(isJsonObject);
/**
 * Null is accepted because creationTimestamp is null in objects that are not stored yet and in the output of some
 * tools.
 */
const time = shapeOf((value) => value === null || typeof value === 'string');
const mode = shapeOf((value) => typeof value === 'string' && isMode(value));
const operator = shapeOf(isLabelOperator);
const carrierLossAction = shapeOf(isCarrierLossAction);
const gracePeriod = shapeOf((value) => typeof value === 'string' && readGracePeriod(value) !== undefined);

const requirements = listOf(fields({ values: listOf(anything) }, { key: text, operator }));
const labelSelector = fields({ matchLabels: map, matchExpressions: requirements });
const nicFields = {
  names: listOf(text),
  drivers: listOf(text),
  pciAddresses: listOf(text),
  vendorIDs: listOf(text),
  deviceIDs: listOf(text),
  macAddresses: listOf(text),
  numaNodes: listOf(number),
} satisfies Record<Exclude<keyof NicSelector, 'exclude'>, Shape>;
const entry = fields({
  parentIface: text,
  nicSelector: fields({ ...nicFields, exclude: fields({ ...nicFields, defaultRoute: flag }) }),
  vlan: number,
  mode,
  quantity: number,
  resourceName: text,
  excludeTopology: flag,
  needVhostNet: flag,
  allowHostInterface: flag,
});
const spec = fields(
  {
    priority: number,
    resourceName: text,
    nodeSelector: labelSelector,
    nodeAffinity: fields(
      {},
      { nodeSelectorTerms: listOf(fields({ matchExpressions: requirements, matchFields: requirements })) },
    ),
    namespaceSelector: labelSelector,
    onCarrierLoss: carrierLossAction,
    carrierLossGracePeriod: gracePeriod,
  },
  { parentSelector: listOf(entry) },
);
const policy = fields(
  {},
  { metadata: fields({ generation: number, creationTimestamp: time }, { name: text, namespace: text }), spec },
);

/**
 * Returns the first place whose shape prevents the rules from reading an object as a policy, for example
 * `spec.parentSelector[0].mode`. Returns undefined if the rules can read the object.
 *
 * A malformed object must cause neither a crash nor a long wait. The schema check does not prevent this, although it is
 * stricter than this function. The API server checks the schema after mutation, so the mutating webhook may receive
 * malformed objects. Files are not checked by an API server at all.
 */
export function findShapeFault(object: unknown): string | undefined {
  return policy(object, '');
}

/** Returns whether a value is an operator of a requirement. */
export function isLabelOperator(value: unknown): value is LabelOperator {
  return typeof value === 'string' && Object.hasOwn(operators, value);
}

function shapeOf(test: (value: unknown) => boolean): Shape {
  return (value, path) => (test(value) ? undefined : path);
}

function listOf(item: Shape): Shape {
  return (value, path) =>
    Array.isArray(value) && value.length <= maxItems
      ? firstFault(value.map((each, index) => [each, `${path}[${index}]`, item]))
      : path;
}

function fields(optional: Readonly<Record<string, Shape>>, required: Readonly<Record<string, Shape>> = {}): Shape {
  const places = [...Object.entries(required), ...Object.entries(optional)];
  return (value, path) => {
    if (!isJsonObject(value)) return path === '' ? 'object' : path;
    const present = places.filter(([name]) => Object.hasOwn(required, name) || value[name] !== undefined);
    return firstFault(present.map(([name, shape]) => [value[name], path === '' ? name : `${path}.${name}`, shape]));
  };
}

function firstFault(places: readonly (readonly [value: unknown, path: string, shape: Shape])[]): string | undefined {
  for (const [value, path, shape] of places) {
    const fault = shape(value, path);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
