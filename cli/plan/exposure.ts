// SPDX-License-Identifier: Apache-2.0

import type { ApiObject } from '../../cluster/api/api-object.ts';
import { exposureFlags } from '../../cluster/common-flags.ts';
import { isRecord } from '../../cluster/objects/known-object.ts';
import { readExposure } from '../../cluster/wanted.ts';
import type { ImplicitExposure } from '../../policy/plan/from-implicit.ts';
import { compileGlob } from '../../policy/plan/match-glob.ts';
import type { Flag, FlagValues } from '../../runtime/flags.ts';
import { pluginLabels } from '../view/plugin-labels.ts';
import type { View } from '../view/view.ts';

type Names = keyof typeof exposureFlags;

/**
 * The flags of implicit exposure. What nobody gives is what the cluster's node plugin was given, so that plans are its
 * own; where that is not known, it is what the node plugin does without.
 */
export const planningFlags = {
  'link-kinds': unset(exposureFlags['link-kinds']),
  'implicit-exposure': unset(exposureFlags['implicit-exposure']),
  'implicit-exclude': { ...unset(exposureFlags['implicit-exclude']), read: readGlobs },
} as const;

/** Looked at before a cluster is. */
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
    description: `${description}; else as in the cluster, or ${defaultText || 'none'}`,
  };
}

/** Raises InvalidFlags for a broken glob of the cluster's. */
export async function findExposure(
  values: Partial<FlagValues<typeof planningFlags>>,
  view: Pick<View, 'list' | 'client' | 'policyNamespace'>,
): Promise<ImplicitExposure | undefined> {
  const isGiven = Object.keys(planningFlags).every((name) => values[name as Names] !== undefined);
  const args = isGiven || view.client === undefined ? [] : await argumentsOfPlugin(view);
  const read = <Value>(name: Names, flag: Flag<Value>): Value => {
    const texts = args.flatMap((argument) =>
      argument.startsWith(`--${name}=`) ? [argument.slice(name.length + 3)] : [],
    );
    const reading = flag.read(texts.at(-1) ?? flag.defaultText ?? '');
    return 'value' in reading ? reading.value : (flag.read(flag.defaultText ?? '') as { value: Value }).value;
  };
  return readExposure({
    'link-kinds': values['link-kinds'] ?? read('link-kinds', exposureFlags['link-kinds']),
    'implicit-exposure': values['implicit-exposure'] ?? read('implicit-exposure', exposureFlags['implicit-exposure']),
    'implicit-exclude': values['implicit-exclude'] ?? read('implicit-exclude', exposureFlags['implicit-exclude']),
  });
}

async function argumentsOfPlugin({ list, policyNamespace }: Pick<View, 'list' | 'policyNamespace'>) {
  const daemonsets = await list({ kind: 'daemonsets', namespace: policyNamespace, labels: pluginLabels });
  return (daemonsets ?? []).flatMap(containersOf).flatMap(({ args }) => (Array.isArray(args) ? args.map(String) : []));
}

function containersOf({ spec }: ApiObject): readonly Record<string, unknown>[] {
  const pod = isRecord(spec) && isRecord(spec.template) && isRecord(spec.template.spec) ? spec.template.spec : {};
  return Array.isArray(pod.containers) ? pod.containers.filter(isRecord) : [];
}
