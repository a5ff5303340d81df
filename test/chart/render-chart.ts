// SPDX-License-Identifier: Apache-2.0
import { type KubernetesObject, parseObjects } from '../apiserver/kubernetes-object.ts';
import { chartFolder, type HelmName, mustRunHelm } from './run-helm.ts';

export interface Rendering {
  readonly helm?: HelmName;
  readonly namespace?: string;
  /** The differences from values.yaml. */
  readonly values?: object;
}

/** Renders the chart's objects with `helm template`. */
export function renderChart({ helm = 'helm', namespace = 'macvtap-cni', values = {} }: Rendering = {}) {
  const args = ['template', 'kube-macvtap', chartFolder, '--namespace', namespace, '--values', '-'];
  return parseObjects(mustRunHelm(helm, args, { stdin: JSON.stringify(values) }), 'helm template');
}

/** Returns the only object of a kind, or of a kind and name. Throws if there is not exactly one. */
export function findObject(objects: readonly KubernetesObject[], kind: string, name?: string): KubernetesObject {
  const [found, ...more] = objects.filter(
    (object) => object.kind === kind && (name === undefined || object.metadata.name === name),
  );
  if (found === undefined || more.length > 0) throw new Error(`not one ${kind} ${name ?? ''}`);
  return found;
}
