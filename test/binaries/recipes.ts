// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { kubernetesModules, kubernetesVersion } from './kubernetes-version.ts';

/**
 * How a program is built: its package and the linker's flags. One of the folders next to this file pins the package's
 * version.
 */
export interface Recipe {
  /** The folder with the go.mod and go.sum that pin all versions. `kubernetes` stands for a folder of each version. */
  readonly module: string;
  readonly package: string;
  /** The linker flags. `$VERSION`, `$MAJOR` and `$MINOR` are replaced with the parts of the version of `versionOf`. */
  readonly linkerFlags: readonly string[];
  /** The module whose version the program reports. */
  readonly versionOf: string;
  /** Build tags. */
  readonly tags?: readonly string[];
  /** Whether the program needs the C compiler. Without it, a program is linked statically. */
  readonly usesC?: boolean;
  /** Files in the folder `module`, besides go.mod and go.sum, with the code of modules that go.mod replaces. */
  readonly replacements?: readonly string[];
}

/**
 * Without these flags, a Kubernetes program reports the version v0.0.0-master, and clients consider the server very
 * old.
 */
const versionFlags = ['gitVersion=$VERSION', 'gitMajor=$MAJOR', 'gitMinor=$MINOR'].map(
  (assignment) => `-X k8s.io/component-base/version.${assignment}`,
);

const ofKubernetes = (name: string): Recipe => ({
  module: 'kubernetes',
  package: `k8s.io/kubernetes/cmd/${name}`,
  linkerFlags: ['-s', '-w', ...versionFlags],
  versionOf: 'k8s.io/kubernetes',
});

/**
 * Without a cluster, Helm 3 renders for the Kubernetes version that the linker sets, or else for 1.20. These flags set
 * 1.37, because Helm is built with the client of that version (client-go v0.37).
 */
const helm3KubernetesVersion = ['pkg/chartutil', 'pkg/lint/rules'].flatMap((name) =>
  ['Major=1', 'Minor=37'].map((assignment) => `-X helm.sh/helm/v3/${name}.k8sVersion${assignment}`),
);

const ofContainerd = (name: string): Recipe => ({
  module: 'containerd',
  package: `github.com/containerd/containerd/v2/cmd/${name}`,
  linkerFlags: ['-s', '-w', '-X github.com/containerd/containerd/v2/version.Version=$VERSION'],
  versionOf: 'github.com/containerd/containerd/v2',
});

const ofMultus = (module: string, name: string): Recipe => ({
  module,
  package: `gopkg.in/k8snetworkplumbingwg/multus-cni.v4/cmd/${name}`,
  linkerFlags: ['-s', '-w'],
  versionOf: 'gopkg.in/k8snetworkplumbingwg/multus-cni.v4',
});

const cniPlugin = (path: string): Recipe => ({
  module: 'cni-plugins',
  package: `github.com/containernetworking/plugins/plugins/${path}`,
  linkerFlags: ['-s', '-w'],
  versionOf: 'github.com/containernetworking/plugins',
});

/**
 * Two programs use C: virt-handler includes linux/kvm.h, and virt-launcher has a C binding that loads libvirt at the
 * start.
 */
const ofKubeVirt = (path: string, usesC = false): Recipe => ({
  module: 'kubevirt',
  package: `kubevirt.io/kubevirt/cmd/${path}`,
  linkerFlags: [
    '-s',
    '-w',
    ...['gitVersion=$VERSION', 'gitTreeState=clean'].map((it) => `-X kubevirt.io/client-go/version.${it}`),
  ],
  versionOf: 'kubevirt.io/kubevirt',
  tags: ['libvirt_dlopen'],
  usesC,
  replacements: ['libnbd/go.mod', 'libnbd/libnbd.go'],
});

const ofKrew = (name: string): Recipe => ({
  module: 'krew',
  package: `sigs.k8s.io/krew/cmd/${name}`,
  linkerFlags: ['-s', '-w'],
  versionOf: 'sigs.k8s.io/krew',
});

/** The recipes of all programs that tests can use. */
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
  vale: {
    module: 'vale',
    package: 'github.com/vale-cli/vale/v3/cmd/vale',
    linkerFlags: ['-s', '-w', '-X main.version=$VERSION'],
    versionOf: 'github.com/vale-cli/vale/v3',
    usesC: true,
  },
  actionlint: {
    module: 'actionlint',
    package: 'github.com/rhysd/actionlint/cmd/actionlint',
    linkerFlags: ['-s', '-w', '-X github.com/rhysd/actionlint.version=$VERSION'],
    versionOf: 'github.com/rhysd/actionlint',
  },
  containerd: ofContainerd('containerd'),
  'containerd-shim-runc-v2': ofContainerd('containerd-shim-runc-v2'),
  ctr: ofContainerd('ctr'),
  multus: ofMultus('multus', 'multus'),
  'multus-daemon': ofMultus('multus-thick', 'multus-daemon'),
  'multus-shim': ofMultus('multus-thick', 'multus-shim'),
  kwok: {
    module: 'kwok',
    package: 'sigs.k8s.io/kwok/cmd/kwok',
    linkerFlags: ['-s', '-w'],
    versionOf: 'sigs.k8s.io/kwok',
  },
  registry: {
    module: 'registry',
    package: 'github.com/distribution/distribution/v3/cmd/registry',
    linkerFlags: ['-s', '-w', '-X github.com/distribution/distribution/v3/version.version=$VERSION'],
    versionOf: 'github.com/distribution/distribution/v3',
  },
  oras: {
    module: 'oras',
    package: 'oras.land/oras/cmd/oras',
    linkerFlags: ['-s', '-w', '-X oras.land/oras/internal/version.Version=$VERSION'],
    versionOf: 'oras.land/oras',
  },
  cosign: {
    module: 'cosign',
    package: 'github.com/sigstore/cosign/v3/cmd/cosign',
    linkerFlags: ['-s', '-w', '-X sigs.k8s.io/release-utils/version.gitVersion=$VERSION'],
    versionOf: 'github.com/sigstore/cosign/v3',
  },
  syft: {
    module: 'syft',
    package: 'github.com/anchore/syft/cmd/syft',
    linkerFlags: ['-s', '-w', '-X main.version=$VERSION'],
    versionOf: 'github.com/anchore/syft',
  },
  krew: ofKrew('krew'),
  'validate-krew-manifest': ofKrew('validate-krew-manifest'),
  bridge: cniPlugin('main/bridge'),
  loopback: cniPlugin('main/loopback'),
  ptp: cniPlugin('main/ptp'),
  'host-local': cniPlugin('ipam/host-local'),
  portmap: cniPlugin('meta/portmap'),
  'virt-operator': ofKubeVirt('virt-operator'),
  'virt-api': ofKubeVirt('virt-api'),
  'virt-controller': ofKubeVirt('virt-controller'),
  'virt-handler': ofKubeVirt('virt-handler', true),
  'virt-launcher': ofKubeVirt('virt-launcher', true),
  'virt-launcher-monitor': ofKubeVirt('virt-launcher-monitor'),
  'libvirt-hook-client': ofKubeVirt('virt-launcher/libvirt-hook-client'),
  'virt-chroot': ofKubeVirt('virt-chroot'),
  'virt-tail': ofKubeVirt('virt-tail'),
  'virt-freezer': ofKubeVirt('virt-freezer'),
  'virt-probe': ofKubeVirt('virt-probe'),
} as const satisfies Record<string, Recipe>;

export type ProgramName = keyof typeof recipes;

const controlPlane = ['etcd', 'kube-apiserver', 'kubectl'] as const;

/** The plugins that a node's container runtime calls, by these names. */
export const networkPlugins = ['multus', 'multus-shim', 'bridge', 'loopback', 'ptp', 'host-local', 'portmap'] as const;

/** The programs that each kind of test needs. */
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
    'multus-daemon',
    ...networkPlugins,
  ],
  charts: ['helm', 'helm3'],
  registry: ['registry', 'oras', 'cosign', 'syft'],
  krew: ['kubectl', 'krew', 'validate-krew-manifest'],
  scale: [...controlPlane, 'kwok'],
  kubevirt: [
    'virt-operator',
    'virt-api',
    'virt-controller',
    'virt-handler',
    'virt-launcher',
    'virt-launcher-monitor',
    'libvirt-hook-client',
    'virt-chroot',
    'virt-tail',
    'virt-freezer',
    'virt-probe',
  ],
} as const satisfies Record<string, readonly ProgramName[]>;

/** Returns the folder of a recipe's go.mod. For programs of Kubernetes, it is that of the version in use. */
export function moduleFolder({ module }: Recipe): string {
  const folder = module === 'kubernetes' ? kubernetesModules[kubernetesVersion()] : module;
  return fileURLToPath(new URL(`${folder}/`, import.meta.url));
}

/** Returns the version of a recipe's program that go.mod pins, such as `v1.34.4`. */
export function readVersion(recipe: Recipe): string {
  const mod = readFileSync(`${moduleFolder(recipe)}go.mod`, 'utf8');
  const line = mod.split('\n').find((text) => text.startsWith(`\t${recipe.versionOf} v`));
  const version = /v\d+\.\d+\.\d+/.exec(line?.slice(recipe.versionOf.length) ?? '')?.[0];
  if (version === undefined) throw new Error(`${moduleFolder(recipe)}go.mod pins no ${recipe.versionOf}`);
  return version;
}

/** Returns the linker flags with the version filled in. */
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
 * Returns the name under which a program is cached, such as `kube-apiserver-v1.34.4-1f0c2d3e4a5b`. Its last part covers
 * all inputs, so a change of any pinned version changes the name.
 */
export function cacheName(name: ProgramName): string {
  const recipe: Recipe = recipes[name];
  const files = ['go.mod', 'go.sum', ...(recipe.replacements ?? [])];
  const parts = files.map((file) => readFileSync(`${moduleFolder(recipe)}${file}`, 'utf8'));
  const digest = createHash('sha256').update(JSON.stringify([parts, recipe, process.platform, process.arch]));
  return `${name}-${readVersion(recipe)}-${digest.digest('hex').slice(0, 12)}`;
}
