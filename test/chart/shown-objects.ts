// SPDX-License-Identifier: Apache-2.0
import type { KubernetesObject } from '../apiserver/kubernetes-object.ts';
import { type OptionName, options } from './options.ts';
import { podTemplateOf } from './pod-spec.ts';
import { findObject, renderChart } from './render-chart.ts';

/** The chart's objects with the default values. */
export const plain = renderChart();
export const withOption = (name: OptionName) => renderChart({ values: options[name] });

/** Returns the pod spec of the webhook. */
export const webhook = (objects: readonly KubernetesObject[]) => podTemplateOf(findObject(objects, 'Deployment')).spec;
/** Returns the pod spec of the node plugin. */
export const node = (objects: readonly KubernetesObject[]) => podTemplateOf(findObject(objects, 'DaemonSet')).spec;
export const both = (objects: readonly KubernetesObject[]) => [webhook(objects), node(objects)] as const;
export const argsOf = (spec: ReturnType<typeof webhook>) => spec.containers[0].args;
export const specOf = <Spec>(objects: readonly KubernetesObject[], kind: string, name?: string) =>
  findObject(objects, kind, name).spec as Spec;

/** Returns every object that differs, is new or is gone, such as `Deployment kube-macvtap-webhook`. */
export function changed(objects: readonly KubernetesObject[]): readonly string[] {
  const titled = (all: readonly KubernetesObject[]) =>
    new Map(all.map((object) => [`${object.kind} ${object.metadata.name}`, JSON.stringify(object)]));
  const [before, after] = [titled(plain), titled(objects)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((title) => before.get(title) !== after.get(title))
    .toSorted();
}

/** The objects that change whenever the pods of both programs change. */
export const pods = ['DaemonSet kube-macvtap-nodeplugin', 'Deployment kube-macvtap-webhook'];
export const configurations = ['Mutating', 'Validating'].map(
  (which) => `${which}WebhookConfiguration webhook.macvtap.network.kubevirt.io`,
);
