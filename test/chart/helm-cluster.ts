// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { type ControlPlane, startControlPlane } from '../apiserver/control-plane.ts';
import { apply } from '../apiserver/install.ts';
import { type KubernetesObject, readObjects } from '../apiserver/kubernetes-object.ts';
import { type HelmEnding, type HelmName, mustRunHelm, runHelm } from './run-helm.ts';

/** A control plane with the CRD that Multus installs, the given CRDs of other projects, and Helm to change it. */
export interface HelmCluster extends ControlPlane {
  /** Runs one of the Helm versions as an administrator. `values` override those of the chart. */
  helm(helm: HelmName, args: readonly string[], values?: object): HelmEnding;
  /** Runs a Helm command that must succeed. Returns its output. */
  mustHelm(helm: HelmName, args: readonly string[], values?: object): string;
}

const networkDefinition = fileURLToPath(
  new URL('../fixtures/apiserver/network-attachment-definitions.yaml', import.meta.url),
);

export async function startHelmCluster(foreignKinds: readonly KubernetesObject[] = []): Promise<HelmCluster> {
  const cluster = await startControlPlane();
  try {
    await apply(cluster, readObjects(networkDefinition));
    // Some definitions are too large for the annotation of client-side apply.
    for (const kind of foreignKinds) await cluster.mustKubectl(['create', '-f', '-'], JSON.stringify(kind));
    await cluster.mustKubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);
  } catch (thrown) {
    await cluster[Symbol.asyncDispose]();
    throw thrown;
  }
  const complete = (args: readonly string[], values: object | undefined) => [
    ...args,
    `--kubeconfig=${cluster.kubeconfig}`,
    ...(values === undefined ? [] : ['--values', '-']),
  ];
  const options = (values: object = {}) => ({ stdin: JSON.stringify(values), home: cluster.folder });
  return {
    ...cluster,
    helm: (helm, args, values) => runHelm(helm, complete(args, values), options(values)),
    mustHelm: (helm, args, values) => mustRunHelm(helm, complete(args, values), options(values)),
  };
}
