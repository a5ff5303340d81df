// SPDX-License-Identifier: Apache-2.0

/** How a block of commands or output is verified. manifest-blocks.test.ts checks yaml and json. */
export type BlockProof =
  /**
   * test/docs/commands.test.ts runs the block unchanged, without a cluster. It runs in the named folder, or in the
   * root.
   */
  | { readonly runs: 'here'; readonly folder?: string; readonly exitCode?: number }
  /** test/cluster/docs.test.ts runs the block unchanged, page by page and from top to bottom. */
  | { readonly runs: 'in a cluster' }
  /**
   * The file `runBy` takes the block from the page and runs it, with other hosts, accounts and folders, by
   * test/docs/page-commands.ts.
   */
  | { readonly runBy: string }
  /** The file `shownBy` tests the same commands in another form. */
  | { readonly shownBy: string }
  /** Nothing verifies the block, for this reason. */
  | { readonly notRun: string };

const ci = { shownBy: '.ci/run' } as const;
const releaseTest = { shownBy: 'test/release/release.test.ts' } as const;
const installTest = { runBy: 'test/release/cluster/install.test.ts' } as const;
const here = { runs: 'here' } as const;
const inCluster = { runs: 'in a cluster' } as const;

/** Proofs by page and by a block's first line. Every block must have a row, so none is skipped silently. */
export const blockProofs: Readonly<Record<string, Readonly<Record<string, BlockProof>>>> = {
  'CONTRIBUTING.md': { 'npm ci && npm run check': ci },
  'README.md': {
    'npm ci && npm start': ci,
    'npm ci && npm test': ci,
    'npm run release -- --registry registry.example.com/kube-macvtap': releaseTest,
    // The first two commands are those of docs/tutorial/quick-start.md. The third one installs a release.
    'kubectl create namespace macvtap-cni': { shownBy: 'test/release/cluster/install.test.ts' },
    '$ npm run --silent plan -- test/fixtures/seed/node-centric --node h1': here,
  },
  'charts/kube-macvtap/README.md': {
    // The same as in docs/tutorial/quick-start.md.
    'kubectl create namespace macvtap-cni': { shownBy: 'test/cluster/docs.test.ts' },
  },
  'docs/reference/events.md': { 'kubectl describe node worker-1': { shownBy: 'test/apiserver/events.test.ts' } },
  'docs/how-to/monitor.md': {
    '{"level":"info","time":1795652510226,"resource":"net","devices":["netMvp0"],"durationMs":23.962,"msg":"devices allocated"}':
      { shownBy: 'test/process/log-secrets.test.ts' },
    'kubectl -n macvtap-cni create configmap kube-macvtap-log-level --from-literal=nodeplugin=debug --from-literal=webhook=debug':
      { shownBy: 'test/cluster/metrics.test.ts' },
  },
  'docs/contributing/benchmarks.md': {
    'npm run bench -- --only resident-memory,reviews': {
      notRun: 'it measures for many minutes, and no test asserts a figure; test/house/docs.test.ts knows the rows',
    },
    'npm run --silent bench -- --only reviews --json > before.json': {
      notRun:
        'it measures for many minutes; test/bench/saved-run.test.ts and compare-runs.test.ts read and compare runs',
    },
  },
  'docs/reference/performance.md': {
    'npm run bench': { notRun: 'it measures for many minutes, and no test asserts a figure' },
    'npm run --silent bench -- --only allocate,start,dra,attach,resident-memory,reviews,policy-edit,webhook-memory,policy-status,ask-cluster --json > /tmp/performance.json':
      {
        notRun:
          'it measures for many minutes; test/house/performance-page.test.ts compares the page with the saved run',
      },
  },
  'docs/contributing/hosting.md': {
    'cosign verify registry.example.com/kube-macvtap/webhook:1.2.3 \\': {
      notRun: 'it needs a signature from a hosted runner; release.yml runs it for each artifact',
    },
  },
  'docs/contributing/images.md': {
    'docker build -f Dockerfile.webhook -t kube-macvtap-webhook:0.1.0 .': { shownBy: 'test/images/build-image.ts' },
    'docker build --secret id=npmrc,src=$HOME/.npmrc -f Dockerfile.node .': { shownBy: 'test/images/build-image.ts' },
    'buildah bud --timestamp $(git log -1 --format=%ct) …': { shownBy: 'test/images/build-image.ts' },
    'apt-get install buildah debootstrap binutils': ci,
  },
  'docs/contributing/release.md': {
    'npm run release -- --registry registry.example.com/kube-macvtap --sign ~/keys/cosign.key': releaseTest,
    'mkdir -p ~/keys': releaseTest,
    'npm run test:release': releaseTest,
  },
  'docs/how-to/install.md': {
    'cosign verify --key cosign.pub --insecure-ignore-tlog=true registry.example.com/kube-macvtap/kube-macvtap:0.1.0':
      installTest,
    'oras discover --artifact-type application/vnd.cyclonedx+json --platform linux/amd64 registry.example.com/kube-macvtap/node:0.1.0':
      installTest,
    'kubectl create namespace macvtap-cni': installTest,
    'helm registry login registry.example.com': installTest,
    'helm install kube-macvtap oci://registry.example.com/kube-macvtap/kube-macvtap --version 0.1.0 --namespace macvtap-cni':
      installTest,
    'helm install kube-macvtap oci://registry.example.com/kube-macvtap/kube-macvtap@sha256:DIGEST --namespace macvtap-cni':
      installTest,
    'helm install kube-macvtap charts/kube-macvtap --namespace macvtap-cni --values values.yaml': installTest,
    'kubectl --namespace macvtap-cni rollout status deployment/kube-macvtap-webhook --timeout=5m': installTest,
    'kubectl create configmap apiserver-client-ca --namespace macvtap-cni --from-file=ca.crt=ca.crt': installTest,
    'mkdir -p ~/.local/bin': { runBy: 'test/process/launch.test.ts' },
    'npm run executables -- --output dist/executables': { runBy: 'test/executables/executables.test.ts' },
    'npm run executables -- --output dist/executables --url https://downloads.example.com/kube-macvtap': {
      runBy: 'test/executables/executables.test.ts',
    },
    'kubectl krew install --manifest dist/executables/macvtap.yaml': { runBy: 'test/executables/executables.test.ts' },
    'cosign verify-attestation --key cosign.pub --insecure-ignore-tlog=true --type slsaprovenance1 registry.example.com/kube-macvtap/node:0.1.0':
      releaseTest,
    'npm pack': { runBy: 'test/executables/package.test.ts' },
  },
  'docs/how-to/upgrade.md': {
    'helm upgrade kube-macvtap charts/kube-macvtap --namespace macvtap-cni --reset-then-reuse-values': inCluster,
  },
  'docs/how-to/uninstall.md': {
    'helm uninstall kube-macvtap --namespace macvtap-cni': inCluster,
    'kubectl delete crd macvtapnetworknodepolicies.macvtap.network.kubevirt.io macvtapnetworknodestates.macvtap.network.kubevirt.io':
      inCluster,
  },
  'docs/reference/kubectl-macvtap.md': {
    'kubectl exec -n macvtap-cni deployment/kube-macvtap-webhook -- /app/cli/kubectl-macvtap status': {
      shownBy: 'test/cluster/cli-tests.ts',
    },
    '$ kubectl macvtap status --source manifests:cluster': { runs: 'here', folder: 'test/fixtures/docs/cli' },
    '$ kubectl macvtap plan --source manifests:cluster --node worker-3': {
      runs: 'here',
      folder: 'test/fixtures/docs/cli',
    },
    '$ kubectl macvtap plan -f edge.yaml --source manifests:cluster': {
      runs: 'here',
      folder: 'test/fixtures/docs/cli',
      exitCode: 1,
    },
    'kubectl macvtap graph -o macvtap.svg': { shownBy: 'test/graph/graph.test.ts' },
    'kubectl macvtap migrate > policies.yaml': { shownBy: 'test/process/migrate.test.ts' },
    'kubectl macvtap support-bundle -o macvtap-support.tar.gz': { shownBy: 'test/apiserver/cli.test.ts' },
    'source <(kubectl macvtap completion bash)': { shownBy: 'test/process/completion.test.ts' },
  },
  'docs/reference/lint.md': {
    '$ kubectl macvtap lint deploy/': { runs: 'here', folder: 'test/fixtures/docs/lint', exitCode: 1 },
    'helm template my-release ./chart | kubectl macvtap lint - policies/': {
      notRun:
        'needs Helm, which only the tests of the chart have; lint of standard input is run by test/process/lint.test.ts',
    },
  },
  'docs/how-to/migrate.md': {
    'kubectl get configmap macvtap-deviceplugin-config --namespace macvtap-cni': {
      shownBy: 'test/cluster/migration.test.ts',
    },
    'kubectl delete daemonset macvtap-cni --namespace macvtap-cni': { shownBy: 'test/cluster/migration.test.ts' },
    'kubectl label namespace macvtap-cni pod-security.kubernetes.io/enforce=privileged': {
      shownBy: 'test/cluster/docs.test.ts',
    },
    'kubectl patch networkaddonsconfig cluster --type json --patch \'[{"op": "remove", "path": "/spec/macvtap"}]\'': {
      notRun: "KubeVirt's network operator cannot be had where the tests run",
    },
    'kubectl get daemonset macvtap-cni --namespace cluster-network-addons': {
      notRun: "KubeVirt's network operator cannot be had where the tests run",
    },
    '$ cat cluster/config-map.yaml': { runs: 'here', folder: 'test/fixtures/docs/migrate' },
    'kubectl get macvtapnetworknodestates --output yaml': { shownBy: 'test/cluster/migration.test.ts' },
  },
  'docs/reference/node-plugin.md': {
    'npm run nodeplugin -- --source manifests:/etc/kube-macvtap --node-name worker-1': {
      shownBy: 'test/process/node-plugin.test.ts',
    },
  },
  'docs/reference/node-state.md': {
    'kubectl get macvtapnetworknodestates worker-1 --output yaml': { shownBy: 'test/apiserver/node-state.test.ts' },
  },
  'docs/how-to/operate.md': {
    'npm run bench -- --only resident-memory,webhook-memory': {
      notRun: 'it measures for many minutes, and no test asserts a figure; test/house/docs.test.ts knows the rows',
    },
    'kubectl apply --dry-run=server -f docs/tutorial/quick-start/policy.yaml': inCluster,
  },
  'docs/tutorial/quick-start.md': {
    'docker build -f Dockerfile.webhook -t registry.example.com/kube-macvtap-webhook:0.1.0 .': {
      shownBy: 'test/images/build-image.ts',
    },
    'kubectl create namespace macvtap-cni': inCluster,
    'npm ci': {
      notRun: "it changes a person's own folder; test/process/launch.test.ts runs the program by a link",
    },
    'kubectl apply -f docs/tutorial/quick-start/policy.yaml': inCluster,
    "kubectl wait node --all --timeout=2m --for=jsonpath='{.status.allocatable.macvtap\\.network\\.kubevirt\\.io/dataplane}'=10":
      inCluster,
    "sed -i 's|docker.io/library/busybox:1.37|localhost/busybox:1\\n      imagePullPolicy: Never|' docs/tutorial/quick-start/pod.yaml":
      {
        notRun:
          'it changes a file of this repository; test/cluster/docs.test.ts gives nodes the image by that name instead',
      },
    'kubectl apply -f docs/tutorial/quick-start/network.yaml': inCluster,
    'kubectl get network-attachment-definitions dataplane -o jsonpath=\'{.spec.config}{"\\n"}\'': inCluster,
    'kubectl delete pod tap': inCluster,
    'kubectl patch kubevirt kubevirt --namespace kubevirt --type merge --patch-file docs/tutorial/quick-start/kubevirt.yaml':
      {
        shownBy: 'test/kubevirt/launcher-pod-tests.ts',
      },
  },
  'docs/reference/status.md': {
    'kubectl get mvnnp -n macvtap-cni': { shownBy: 'test/apiserver/policy-status.test.ts' },
  },
  'docs/contributing/test-cluster.md': {
    'apt-get install runc iproute2 util-linux procps gcc libc6-dev buildah debootstrap binutils libcap2-bin': ci,
    'apt-get install --no-install-recommends qemu-system-x86 debootstrap e2fsprogs openssh-client': {
      shownBy: 'test/machine-node/suite.test.ts',
    },
    'node test/binaries/main.ts cluster charts kubevirt': { shownBy: 'test/kubevirt/suite.test.ts' },
    'node test/binaries/main.ts cluster charts': ci,
    'export KUBECONFIG=/tmp/kube-macvtap-cluster/admin.kubeconfig PATH=/tmp/kube-macvtap-cluster/bin:$PATH': inCluster,
  },
  'docs/reference/why.md': { '$ kubectl macvtap why pod/vm': { shownBy: 'test/cluster/why.test.ts' } },
};
