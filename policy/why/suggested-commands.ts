// SPDX-License-Identifier: Apache-2.0
import { applyEdits, modify } from 'jsonc-parser';
import { maxQuantity } from '../plan/resource.ts';
import type { Fix } from './cause.ts';
import { reportedOn } from './node-inventory.ts';
import type { PodSummary, WhyFacts } from './why-facts.ts';

/** Returns a kubectl command for a shell. Arguments are quoted if necessary. */
export function kubectl(...args: readonly string[]): string {
  return ['kubectl', ...args.map(quoteForShell)].join(' ');
}

/** The label of every object of the chart. Values of the chart can change the names of the objects, but not this. */
export const chartLabels = { 'app.kubernetes.io/part-of': 'kube-macvtap' } as const;

/** Returns the label selector of a component, for commands that cannot name its objects. */
export function selectComponent(component: 'node' | 'webhook'): readonly [string, string] {
  const labels = { ...chartLabels, 'app.kubernetes.io/component': component };
  const texts = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return ['-l', texts.join(',')];
}

/** Quotes a text for a POSIX shell. Between single quotes, every character except the single quote is literal. */
export function quoteForShell(text: string): string {
  return /^[\w./:=,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * Returns the `kubectl patch` command for an entry of a policy: `patchEntry('macvtap-cni/p', 0, { parentIface: 'eth1'
 * })`.
 */
export function patchEntry(policy: string, entry: number, fields: Readonly<Record<string, unknown>>): string {
  const edits = Object.entries(fields).map(([field, value]) => ({
    op: 'add',
    path: `/spec/parentSelector/${entry}/${field}`,
    value,
  }));
  return kubectl('patch', 'mvnnp', ...placeOf(policy), '--type=json', '-p', JSON.stringify(edits));
}

/** Returns the `kubectl patch` command for a policy's spec. */
export function patchPolicy(policy: string, spec: Readonly<Record<string, unknown>>): string {
  return kubectl('patch', 'mvnnp', ...placeOf(policy), '--type=merge', '-p', JSON.stringify({ spec }));
}

/** Returns the `kubectl edit` command for a policy. Used if the right value is unknown. */
export function editPolicy(policy: string): string {
  return kubectl('edit', 'mvnnp', ...placeOf(policy));
}

/** Returns the `kubectl delete pod` command for a `namespace/name`. */
export function deletePod(pod: string): string {
  return kubectl('delete', 'pod', ...placeOf(pod));
}

/** Converts `default/net` to the arguments `net -n default`. */
export function placeOf(key: string): readonly [string, string, string] {
  const at = key.indexOf('/');
  return [key.slice(at + 1), '-n', key.slice(0, at)];
}

/**
 * Returns the `kubectl patch` command that sets one value in a network's config without changing any other character.
 * `object` is the path of the plugin in the config: `plugins[1]`, or `''` if the config has no list of plugins.
 */
export function setConfigKey(
  network: string,
  { networks }: WhyFacts,
  object: string,
  key: string,
  value: string | number,
): string {
  const config = String(networks.get(network)?.spec?.config ?? '{}');
  const index = /^plugins\[(\d+)\]$/.exec(object)?.[1];
  const path = index === undefined ? [key] : ['plugins', Number(index), key];
  const edited = applyEdits(config, modify(config, path, value, {}));
  const patch = JSON.stringify({ spec: { config: edited } });
  return kubectl('patch', 'network-attachment-definitions', ...placeOf(network), '--type=merge', '-p', patch);
}

/** Changes to make when recreating a pod. */
export interface PodChange {
  /** An expression for sed, which edits the pod as YAML. */
  readonly sed?: string;
  /** An annotation to set, as `key=value`. */
  readonly annotation?: string;
}

/**
 * Returns the command that recreates a pod: it restarts a virtual machine, deletes a controller's pod, or replaces a
 * bare pod. The webhook then adds devices to the new pod, and the pod gets new macvtaps. A running pod can get neither.
 */
export function recreatePod({ namespace, name, owner }: PodSummary, { sed, annotation }: PodChange = {}): string {
  if (owner?.kind === 'VirtualMachineInstance') return `virtctl restart ${owner.name} -n ${namespace}`;
  if (owner !== undefined) return kubectl('delete', 'pod', name, '-n', namespace);
  const annotated =
    annotation === undefined
      ? []
      : [kubectl('annotate', '--local', '-f', '-', '--overwrite', annotation, '-o', 'yaml')];
  // nodeName is removed, because a pod with nodeName bypasses the scheduler.
  const edits = ["-e '/^  nodeName: /d'", ...(sed === undefined ? [] : [`-e '${sed}'`])];
  return [
    kubectl('get', 'pod', name, '-n', namespace, '-o', 'yaml'),
    ...annotated,
    `sed ${edits.join(' ')}`,
    'kubectl replace --force -f -',
  ].join(' | ');
}

/**
 * Returns the fix that gives a resource at least `quantity` devices. It changes the policy that declares the resource
 * on the nodes.
 */
export function raiseQuantity(resource: string, quantity: number, nodes: readonly string[], facts: WhyFacts): Fix {
  const reported = nodes.map((node) => reportedOn(facts, node, resource)).find((one) => one?.policy !== undefined);
  const policy = facts.policies.find(({ id }) => id === reported?.policy);
  const entry = policy?.entries.find(({ index }) => index === reported?.entry);
  if (reported?.mode === 'passthru' || quantity > maxQuantity) {
    return { text: `use another resource, because ${resource} cannot have more devices`, commands: [] };
  }
  if (policy === undefined || entry === undefined) {
    return { text: `raise the quantity of ${resource} in its configuration`, commands: [] };
  }
  return {
    text: `raise the quantity of ${resource}`,
    commands: [patchEntry(policy.id, entry.index, { quantity })],
  };
}
