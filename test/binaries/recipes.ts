// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** How a program is built: a package that one of the folders beside this file pins, and what the linker is told. */
export interface Recipe {
  /** The folder of its go.mod and go.sum, which alone say the versions. */
  readonly module: string;
  readonly package: string;
  /** Linker flags, `$VERSION`, `$MAJOR` and `$MINOR` standing for the parts of `versionOf`'s version. */
  readonly linkerFlags: readonly string[];
  /** The module whose version the program reports. */
  readonly versionOf: string;
}

/** Without these a program of Kubernetes calls itself v0.0.0-master, and clients take the server for an ancient one. */
const kubernetesVersion = ['gitVersion=$VERSION', 'gitMajor=$MAJOR', 'gitMinor=$MINOR'].map(
  (assignment) => `-X k8s.io/component-base/version.${assignment}`,
);

const ofKubernetes = (name: string): Recipe => ({
  module: 'kubernetes',
  package: `k8s.io/kubernetes/cmd/${name}`,
  linkerFlags: ['-s', '-w', ...kubernetesVersion],
  versionOf: 'k8s.io/kubernetes',
});

/** Without a cluster to ask, Helm 3 renders for the Kubernetes that its linker was told (else 1.20): its client's, v0.37. */
const helm3KubernetesVersion = ['pkg/chartutil', 'pkg/lint/rules'].flatMap((name) =>
  ['Major=1', 'Minor=37'].map((assignment) => `-X helm.sh/helm/v3/${name}.k8sVersion${assignment}`),
);

const ofContainerd = (name: string): Recipe => ({
  module: 'containerd',
  package: `github.com/containerd/containerd/v2/cmd/${name}`,
  linkerFlags: ['-s', '-w', '-X github.com/containerd/containerd/v2/version.Version=$VERSION'],
  versionOf: 'github.com/containerd/containerd/v2',
});

const cniPlugin = (path: string): Recipe => ({
  module: 'cni-plugins',
  package: `github.com/containernetworking/plugins/plugins/${path}`,
  linkerFlags: ['-s', '-w'],
  versionOf: 'github.com/containernetworking/plugins',
});

/** Every program that tests can have. */
export const recipes = {
  etcd: {
    module: 'kubernetes',
    package: 'go.etcd.io/etcd/server/v3',
    linkerFlags: ['-s', '-w'],
    versionOf: 'go.etcd.io/etcd/server/v3',
  },
  'kube-apiserver': ofKubernetes('kube-apiserver'),
  kubectl: ofKubernetes('kubectl'),
  'kube-controller-manager': ofKubernetes('kube-controller-manager'),
  'kube-scheduler': ofKubernetes('kube-scheduler'),
  kubelet: ofKubernetes('kubelet'),
  helm: {
    module: 'helm',
    package: 'helm.sh/helm/v4/cmd/helm',
    linkerFlags: ['-s', '-w', '-X helm.sh/helm/v4/internal/version.version=$VERSION'],
    versionOf: 'helm.sh/helm/v4',
  },
  helm3: {
    module: 'helm3',
    package: 'helm.sh/helm/v3/cmd/helm',
    linkerFlags: ['-s', '-w', '-X helm.sh/helm/v3/internal/version.version=$VERSION', ...helm3KubernetesVersion],
    versionOf: 'helm.sh/helm/v3',
  },
  containerd: ofContainerd('containerd'),
  'containerd-shim-runc-v2': ofContainerd('containerd-shim-runc-v2'),
  ctr: ofContainerd('ctr'),
  multus: {
    module: 'multus',
    package: 'gopkg.in/k8snetworkplumbingwg/multus-cni.v4/cmd/multus',
    linkerFlags: ['-s', '-w'],
    versionOf: 'gopkg.in/k8snetworkplumbingwg/multus-cni.v4',
  },
  kwok: {
    module: 'kwok',
    package: 'sigs.k8s.io/kwok/cmd/kwok',
    linkerFlags: ['-s', '-w'],
    versionOf: 'sigs.k8s.io/kwok',
  },
  bridge: cniPlugin('main/bridge'),
  loopback: cniPlugin('main/loopback'),
  ptp: cniPlugin('main/ptp'),
  'host-local': cniPlugin('ipam/host-local'),
  portmap: cniPlugin('meta/portmap'),
} as const satisfies Record<string, Recipe>;

export type ProgramName = keyof typeof recipes;

const controlPlane = ['etcd', 'kube-apiserver', 'kubectl'] as const;

/** What kubelet's container runtime calls, by the names that it calls. */
export const networkPlugins = ['multus', 'bridge', 'loopback', 'ptp', 'host-local', 'portmap'] as const;

/** What each kind of test needs. */
export const programSets = {
  'control-plane': controlPlane,
  cluster: [
    ...controlPlane,
    'kube-controller-manager',
    'kube-scheduler',
    'kubelet',
    'containerd',
    'containerd-shim-runc-v2',
    'ctr',
    ...networkPlugins,
  ],
  charts: ['helm', 'helm3'],
  scale: [...controlPlane, 'kwok'],
} as const satisfies Record<string, readonly ProgramName[]>;

/** Where the go.mod of a recipe lies. */
export function moduleFolder({ module }: Recipe): string {
  return fileURLToPath(new URL(`${module}/`, import.meta.url));
}

/** The version of a recipe's program, as its go.mod pins it: `v1.34.4`. */
export function readVersion(recipe: Recipe): string {
  const mod = readFileSync(`${moduleFolder(recipe)}go.mod`, 'utf8');
  const line = mod.split('\n').find((text) => text.startsWith(`\t${recipe.versionOf} v`));
  const version = /v\d+\.\d+\.\d+/.exec(line?.slice(recipe.versionOf.length) ?? '')?.[0];
  if (version === undefined) throw new Error(`${recipe.module}/go.mod pins no ${recipe.versionOf}`);
  return version;
}

/** The linker flags with the version in them. */
export function linkerFlags(recipe: Recipe): string {
  const version = readVersion(recipe);
  const [major = '', minor = ''] = version.slice(1).split('.');
  return recipe.linkerFlags
    .join(' ')
    .replaceAll('$VERSION', version)
    .replaceAll('$MAJOR', major)
    .replaceAll('$MINOR', minor);
}

/**
 * The name under which a program is cached: `kube-apiserver-v1.34.4-1f0c2d3e4a5b`. The last part covers everything that
 * it is made of, so that a change of any pinned version is a program of another name.
 */
export function cacheName(name: ProgramName): string {
  const recipe = recipes[name];
  const parts = ['go.mod', 'go.sum'].map((file) => readFileSync(`${moduleFolder(recipe)}${file}`, 'utf8'));
  const digest = createHash('sha256').update(JSON.stringify([parts, recipe, process.platform, process.arch]));
  return `${name}-${readVersion(recipe)}-${digest.digest('hex').slice(0, 12)}`;
}
