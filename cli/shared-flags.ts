// SPDX-License-Identifier: Apache-2.0
import { commonFlags, exposureFlags, readExposure, sourceFlags } from '../cluster/cluster-flags.ts';
import { nearestNames } from '../policy/names.ts';
import type { ImplicitExposure } from '../policy/plan/from-implicit.ts';
import { compileGlob } from '../policy/plan/match-nic.ts';
import { MacvtapError } from '../runtime/errors.ts';
import { type Flag, type FlagValues, textFlag } from '../runtime/flags.ts';
import { argumentsOf, flagIn } from './view/object-fields.ts';
import { pluginLabels } from './view/object-kinds.ts';
import type { View } from './view/view.ts';

const { placeholder, read } = sourceFlags.source;

/**
 * The flag for the installation's namespace has a long name, because `-n` and `--namespace` mean the namespace of the
 * object, as everywhere in kubectl.
 */
export const installationFlags = {
  'installation-namespace': commonFlags.namespace,
} as const;

/** Flags of every command that reads a cluster. A flag that kubectl also has means the same as in kubectl. */
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
 * The flags of implicit exposure. If a flag is not set, the value from the cluster's DaemonSet is used, so that plans
 * match those of the node plugin. If that value is not known, the node plugin's default is used.
 */
export const planningFlags = {
  'link-kinds': unset(exposureFlags['link-kinds']),
  'implicit-exposure': unset(exposureFlags['implicit-exposure']),
  'implicit-exclude': { ...unset(exposureFlags['implicit-exclude']), read: readGlobs },
} as const;

/** Reads the globs and checks them, so that errors are reported before the cluster is read. */
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
 * Flags that environment variables may set for all commands. A command ignores the variables of flags that it does not
 * have.
 */
export const sharedFlags: readonly string[] = Object.keys({
  ...viewFlags,
  ...planningFlags,
  output: true,
  namespace: true,
});

/**
 * Determines the implicit exposure from flags, the DaemonSet and defaults. Raises InvalidFlags for an invalid glob in
 * the DaemonSet.
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

/** Raises InvalidFlags, with similar names, if neither a Node nor a NodeState has the name. */
export function requireNode({ snapshot, missing, where }: View, name: string | undefined): void {
  const { nodes, nodeStates, leftOut } = snapshot;
  if (name === undefined || nodes.has(name) || nodeStates.has(name) || leftOut.has(name)) return;
  // If Nodes could not be read, the node may exist.
  if (missing.some(({ what }) => what === 'Nodes')) return;
  const near = nearestNames(name, [...nodes.keys()]);
  const hint = near.length === 0 ? '' : `; did you mean ${near.join(' or ')}?`;
  throw new MacvtapError('InvalidFlags', `--node ${name}: no such Node in ${where}${hint}`);
}

/**
 * Returns the namespace that kubectl uses without `-n`: the context's namespace, or else `default`. Files have no
 * context.
 */
export async function contextNamespace({
  source,
  kubeconfig,
  context,
}: Pick<ViewFlags, 'source' | 'kubeconfig' | 'context'>): Promise<string> {
  if (source.kind === 'manifests') return 'default';
  const { namespaceOfContext } = await import('../cluster/api/kubeconfig.ts');
  return namespaceOfContext(kubeconfig, context) ?? 'default';
}
