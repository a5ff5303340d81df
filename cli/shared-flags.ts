// SPDX-License-Identifier: Apache-2.0

import { plainContextNamespace } from '../cluster/api/connect.ts';
import { commonFlags, exposureFlags, readExposure, sourceFlags } from '../cluster/cluster-flags.ts';
import { nearestNames } from '../policy/names.ts';
import { compileGlob } from '../policy/plan/match-nic.ts';
import type { ImplicitExposure } from '../policy/plan/plan-node.ts';
import { MacvtapError } from '../runtime/errors.ts';
import { type Flag, type FlagValues, textFlag } from '../runtime/flags.ts';
import { argumentsOf, flagIn, pluginLabels } from './view/objects.ts';
import type { View } from './view/view.ts';

const { placeholder, read } = sourceFlags.source;

/**
 * The flag for the installation's namespace. It has a long name because `-n` and `--namespace` select the namespace of
 * the object, as in kubectl.
 */
export const installationFlags = {
  'installation-namespace': commonFlags.namespace,
} as const;

/** Flags of every command that reads a cluster. Flags that kubectl also has mean the same as in kubectl. */
export const viewFlags = {
  source: {
    description: 'the source of objects: the API server, or a directory of YAML files',
    placeholder,
    read,
    defaultText: 'cluster',
  },
  kubeconfig: sourceFlags.kubeconfig,
  context: textFlag('NAME', 'context of the kubeconfig (default: its current context)'),
  ...installationFlags,
} as const;

export type ViewFlags = FlagValues<typeof viewFlags>;

export const nodeFlag = { node: textFlag('NAME', 'only this node') } as const;

type Names = keyof typeof exposureFlags;

/**
 * The flags of implicit exposure. For a missing flag, the value comes from the node plugin's DaemonSet in the cluster,
 * so that plans match those of the node plugin. If that value is unknown, the node plugin's default is used.
 */
export const planningFlags = {
  'link-kinds': unset(exposureFlags['link-kinds']),
  'implicit-exposure': unset(exposureFlags['implicit-exposure']),
  'implicit-exclude': { ...unset(exposureFlags['implicit-exclude']), read: readGlobs },
} as const;

/** Reads and checks the globs, so that errors are reported before the cluster is read. */
function readGlobs(text: string): { readonly value: readonly string[] } | { readonly fault: string } {
  const reading = exposureFlags['implicit-exclude'].read(text);
  const globs = 'value' in reading ? reading.value.map(compileGlob) : [];
  return globs.find((glob) => 'fault' in glob) ?? reading;
}

function unset<Value>(flag: Flag<Value>): Flag<Value | undefined> {
  const { defaultText, description, ...rest } = flag;
  return {
    ...rest,
    defaultText: undefined,
    description: `${description} (default: the cluster's setting, or ${defaultText || 'none'})`,
  };
}

/**
 * Flags whose environment variables may be set for all commands. A command ignores the variables of flags that it does
 * not have.
 */
export const sharedFlags: readonly string[] = Object.keys({
  ...viewFlags,
  ...planningFlags,
  output: true,
  namespace: true,
});

/**
 * Determines the implicit exposure from flags, from the node plugin's DaemonSet and from defaults, in this order.
 * Raises InvalidFlags for an invalid glob in the DaemonSet.
 */
export async function findExposure(
  values: Partial<FlagValues<typeof planningFlags>>,
  view: Pick<View, 'list' | 'client' | 'policyNamespace'>,
): Promise<ImplicitExposure | undefined> {
  const isGiven = Object.keys(planningFlags).every((name) => values[name as Names] !== undefined);
  const args = isGiven || view.client === undefined ? [] : await pluginArguments(view);
  const read = <Value>(name: Names, flag: Flag<Value>): Value => {
    const reading = flag.read(flagIn(args, name) ?? flag.defaultText ?? '');
    return 'value' in reading ? reading.value : (flag.read(flag.defaultText ?? '') as { value: Value }).value;
  };
  return readExposure({
    'link-kinds': values['link-kinds'] ?? read('link-kinds', exposureFlags['link-kinds']),
    'implicit-exposure': values['implicit-exposure'] ?? read('implicit-exposure', exposureFlags['implicit-exposure']),
    'implicit-exclude': values['implicit-exclude'] ?? read('implicit-exclude', exposureFlags['implicit-exclude']),
  });
}

async function pluginArguments({ list, policyNamespace }: Pick<View, 'list' | 'policyNamespace'>) {
  const daemonsets = await list({ kind: 'daemonsets', namespace: policyNamespace, labels: pluginLabels });
  return (daemonsets ?? []).flatMap(argumentsOf);
}

/** Raises InvalidFlags, with a list of similar names, if neither a Node nor a NodeState has this name. */
export function requireNode({ snapshot, missing, where }: View, name: string | undefined): void {
  const { nodes, nodeStates, leftOut } = snapshot;
  if (name === undefined || nodes.has(name) || nodeStates.has(name) || leftOut.has(name)) return;
  // Nodes could not be read, so the node may exist.
  if (missing.some(({ what }) => what === 'Nodes')) return;
  const near = nearestNames(name, [...nodes.keys()]);
  const hint = near.length === 0 ? '' : `; did you mean ${near.join(' or ')}?`;
  throw new MacvtapError('InvalidFlags', `--node ${name}: no such Node in ${where}${hint}`);
}

/**
 * Returns the namespace that kubectl uses without `-n`: that of the context, or `default`. For files, there is no
 * context.
 */
export async function contextNamespace({
  source,
  kubeconfig,
  context,
}: Pick<ViewFlags, 'source' | 'kubeconfig' | 'context'>): Promise<string> {
  if (source.kind === 'manifests') return 'default';
  const plain = plainContextNamespace(kubeconfig, context);
  if (plain !== undefined) return plain.namespace ?? 'default';
  const { namespaceOfContext } = await import('../cluster/api/kubeconfig.ts');
  return namespaceOfContext(kubeconfig, context) ?? 'default';
}
