// SPDX-License-Identifier: Apache-2.0
// Tests every error that the node plugin returns to a container runtime, as users see it on a pod. Each error has the
// subject, the reason, and the next step.
import assert from 'node:assert/strict';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type ErrorCode, errorCodes } from '../../runtime/errors.ts';
import { makeNetworkNamespace, type NetworkNamespace } from '../kernel/network-namespace.ts';
import { addLink, namespaceObject, policyObject } from './plugin-node.ts';
import { type AdmittedPod, makeShimNode, needsRealShim, type RuntimeCall, type ShimNode } from './shim-node.ts';
import { showMacvtaps } from './shown-macvtaps.ts';
import type { RunningProcess } from './start-process.ts';
import { until } from './until.ts';

const options = { skip: needsRealShim };

/**
 * A node with three allocated devices. netMvp0 of `net` belongs to vm-a, and netMvp1 to vm-b. The only device of
 * `solo`, which is passthru, belongs to vm-a.
 */
interface Stage {
  readonly node: ShimNode;
  readonly plugin: RunningProcess;
  /** The sandbox. */
  readonly pod: NetworkNamespace;
  readonly other: NetworkNamespace;
  readonly own: AdmittedPod;
  readonly others: AdmittedPod;
  readonly solo: AdmittedPod;
}

interface Row {
  readonly code: ErrorCode;
  /**
   * The error's code in the CNI result: below 100 if CNI's SPEC.md ("Error") defines it, and otherwise the plugin's
   * own.
   */
  readonly cniCode: number;
  readonly command?: string;
  /** Matches the subject in the message. The default is `ofNet`. Unknown facts are omitted in the message. */
  readonly about?: RegExp;
  /** Matches the reason and the next step. */
  readonly says: RegExp;
  /** The call, if it is not an ADD of netMvp0 for the pod in its sandbox. */
  readonly call?: RuntimeCall | ((stage: Stage) => RuntimeCall | Promise<RuntimeCall>);
  /** Causes the error. Returns a function that undoes it. */
  readonly arrange?: (stage: Stage) => Promise<() => Promise<unknown>>;
}

const ofNet = /^ADD of net1 for pod vms\/vm-a, network blue, device netMvp0 of resource net: /;

const rows: readonly Row[] = [
  {
    code: 'CNIEnvironmentInvalid',
    cniCode: 4,
    call: { ifname: 'a:b' },
    about: /^ADD of a:b for pod vms\/vm-a, network blue, device netMvp0 of resource net: /,
    says: /CNI_IFNAME is "a:b", not the name of a link; check how the container runtime calls/,
  },
  {
    code: 'CNIVersionUnsupported',
    cniCode: 1,
    call: { conf: { deviceID: 'netMvp0', cniVersion: '0.2.0' } },
    says: /cniVersion is "0\.2\.0": write one of 0\.3\.0, /,
  },
  {
    code: 'NetConfUndecodable',
    cniCode: 6,
    call: { conf: '{' },
    about: /^ADD of net1 for pod vms\/vm-a: /,
    says: /cannot be read: .*; change its NetworkAttachmentDefinition$/,
  },
  {
    code: 'NetConfInvalid',
    cniCode: 7,
    call: { conf: { deviceID: 'netMvp0', mtu: 5, promiscMode: 'yes' } },
    says: /mtu is 5, not .*; promiscMode is "yes", not true or false; change its NetworkAttachmentDefinition$/,
  },
  {
    code: 'NetnsInvalid',
    cniCode: 8,
    call: { netns: '/run/netns/kmt-never-was' },
    says: /\/run\/netns\/kmt-never-was: ENOENT.*; either the sandbox is gone, or .* HostToContainer propagation$/,
  },
  {
    code: 'DeviceMissing',
    cniCode: 100,
    call: { conf: { deviceID: '' } },
    about: /^ADD of net1 for pod vms\/vm-a, network blue: /,
    says: /none of its containers requests macvtap\.network\.kubevirt\.io\/<resource>, .*: kubectl delete pod vm-a -n vms\. .* \(offered here: net, solo\)$/,
  },
  {
    code: 'DeviceNotAllocated',
    cniCode: 100,
    call: { conf: { deviceID: 'netMvp5' } },
    about: /^ADD of net1 for pod vms\/vm-a, network blue, device netMvp5 of resource net: /,
    says: /this node has no record of its allocation; delete the pod, so that a new one gets a device$/,
  },
  {
    code: 'DeviceHeldElsewhere',
    cniCode: 100,
    call: { conf: { deviceID: 'netMvp1' } },
    about: /^ADD of net1 for pod vms\/vm-a, network blue, device netMvp1 of resource net: /,
    says: /is another pod's: leave deviceID out of the NetworkAttachmentDefinition, since Multus fills it in$/,
  },
  {
    code: 'DeviceNamedTwice',
    cniCode: 100,
    says: /is already net0 of network blue in this sandbox, and cannot also be net1 .*: let a container of the pod request one device/,
    arrange: async ({ node, other }) => {
      // This call has the same container ID, but another namespace, so that the pod's own namespace stays empty.
      const call = { netns: other.path, ifname: 'net0', conf: { deviceID: 'netMvp0' } };
      assert.equal((await node.call('ADD', call)).exitCode, 0);
      return () => node.call('DEL', call);
    },
  },
  {
    code: 'PodResourcesUnavailable',
    cniCode: 11,
    call: { conf: { deviceID: 'netMvp5' } },
    about: /^ADD of net1 for pod vms\/vm-a, network blue, device netMvp5 of resource net: /,
    says: /kubelet .*no checkpoint.*; the node plugin tries again: check kubelet's log$/,
    arrange: async ({ node }) => {
      node.list = () => {
        throw new Error('no checkpoint');
      };
      return async () => {
        node.list = (held) => held;
      };
    },
  },
  {
    code: 'PodResourcesSocketMissing',
    cniCode: 11,
    call: { conf: { deviceID: 'netMvp5' } },
    about: /^ADD of net1 for pod vms\/vm-a, network blue, device netMvp5 of resource net: /,
    says: /kubelet\.sock is not there .*: check that kubelet runs on this node/,
    arrange: async ({ node }) => {
      await node.kubelet.stop();
      return async () => {
        await node.kubelet.restart();
        await node.kubelet.waitFor((kubelet) => kubelet.resources().every(({ connected }) => connected));
      };
    },
  },
  {
    code: 'ModeConflict',
    cniCode: 7,
    call: { conf: { deviceID: 'netMvp0', mode: 'vepa' } },
    says: /wants mode vepa, and device netMvp0 has mode bridge by policy macvtap-cni\/p: write "mode": "bridge" into/,
  },
  {
    code: 'MTUAboveParent',
    cniCode: 7,
    call: { conf: { deviceID: 'netMvp0', mtu: 9000 } },
    says: /on parent p0: .*the MTU 9000 is above the 1500 of p0: lower it, or raise the parent's first$/,
  },
  {
    code: 'MACAddressInvalid',
    cniCode: 7,
    call: { conf: { deviceID: 'soloMvp0', mac: '52:54:00:00:00:01' } },
    about: /^ADD of net1 for pod vms\/vm-a, network blue, device soloMvp0 of resource solo: /,
    says: /has its parent's MAC address: that of p9 is [0-9a-f:]{17}, and 52:54:00:00:00:01 is requested; /,
  },
  {
    code: 'MACAddressTaken',
    cniCode: 100,
    call: async ({ node }) => {
      const [parent] = await node.namespace.ipJSON<{ address: string }>('link show p0');
      return { conf: { deviceID: 'netMvp0', mac: parent?.address } };
    },
    says: /MAC address [0-9a-f:]{17} is in use by parent p0 itself: give the pod or its network another one, or none$/,
  },
  {
    code: 'LinkNameTaken',
    cniCode: 100,
    says: /on parent p0: .*another link has the name or the ifindex \d+: delete it first$/,
    arrange: async ({ pod }) => {
      await pod.ip('link add net1 type veth peer name x1');
      return () => pod.ip('link del net1');
    },
  },
  {
    code: 'ParentEnslaved',
    cniCode: 100,
    says: /on parent p0: .*take the parent out of its bond or bridge, or choose another$/,
    arrange: async ({ node }) => {
      await removePlaceholders(node, 'p0');
      await node.namespace.ip('link add br0 type bridge');
      await node.namespace.ip('link set p0 master br0');
      return () => node.namespace.ip('link del br0');
    },
  },
  {
    code: 'PassthruExclusive',
    cniCode: 11,
    call: { conf: { deviceID: 'soloMvp0' } },
    about: /^ADD of net1 for pod vms\/vm-a, network blue, device soloMvp0 of resource solo: /,
    says: /on parent p9: .*the parent has other macvtaps or macvlans: delete them, or choose another mode or parent$/,
    arrange: async ({ node }) => {
      await removePlaceholders(node, 'p9');
      await node.namespace.ip('link add link p9 name foreign type macvtap mode bridge');
      return () => node.namespace.ip('link del foreign');
    },
  },
  {
    code: 'TapNodeTaken',
    cniCode: 11,
    says: /\/dev\/tap\d+, which device .* was allocated with, .*a link that cannot be found holds it, .*; kubelet tries again$/,
    arrange: async ({ node, other, own }) => {
      await removePlaceholders(node, 'p0');
      await other.ip('link add o0 type veth peer name o1');
      await other.ip(`link add link o0 name foreign index ${own.tapPath.slice('/dev/tap'.length)} type macvtap`);
      return () => other.ip('link del o0');
    },
  },
  {
    code: 'TapNodeNotOwned',
    cniCode: 5,
    call: { wrapper: ['setpriv', '--bounding-set', '-chown'] },
    says: /\/dev\/tap\d+ cannot be given to 107:107: chown: .*\(EPERM\); let the container runtime run its CNI plugins as root, with CAP_CHOWN/,
  },
  {
    code: 'FileNotWritten',
    cniCode: 5,
    says: /cannot be recorded in the ledger: cannot write .*ledger\.json: .*; create the directory .* again$/,
    arrange: takeStateAway,
  },
  {
    code: 'CNINotReady',
    cniCode: 50,
    command: 'STATUS',
    call: { conf: { cniVersion: '1.1.0' } },
    about: /^STATUS of net1 for pod vms\/vm-a, network blue: /,
    says: /no pod can be attached now: the ledger cannot be written: ENOENT.*; let the node plugin write in \//,
    arrange: takeStateAway,
  },
  {
    code: 'AttachmentWrong',
    cniCode: 100,
    command: 'CHECK',
    call: { containerID: 'never' },
    about: /^CHECK of net1 for pod vms\/vm-a, network blue, device netMvp0 of resource net: /,
    says: /net1 is no longer as ADD created it: the ledger has no device for this container and interface; delete the pod to attach it again$/,
  },
  {
    code: 'ParentUnavailable',
    cniCode: 11,
    says: /parent p0 of resource net cannot be used: the node has no such interface; bring it back, and kubelet tries again$/,
    arrange: async ({ node }) => {
      await node.namespace.ip('link del p0');
      await node.offers({ net: 0, solo: 1 });
      return async () => {
        await addLink(node.namespace, 'p0');
        await node.kubelet.waitFor((kubelet) =>
          kubelet.resources().every(({ devices }) => devices.some(({ health }) => health === 'Healthy')),
        );
      };
    },
  },
  // These rows come last: they serve the resource `sign`, and kubelet remembers every resource that was served.
  {
    code: 'NamespaceUnknown',
    cniCode: 11,
    says: /pod vms\/vm-a may not use resource net yet: policy macvtap-cni\/q admits only namespaces with team=a, and there is no namespace vms; kubelet tries again$/,
    arrange: ({ node }) => restrict(node),
  },
  {
    code: 'NamespaceNotAdmitted',
    cniCode: 100,
    says: /pod vms\/vm-a may not use resource net: policy macvtap-cni\/q admits only namespaces with team=a, and namespace vms does not match; label the namespace if its pods may use the resource, or delete the pod$/,
    arrange: ({ node }) => restrict(node, namespaceObject('vms', { team: 'b' })),
  },
];

/** Errors that no runtime can cause. cni-hostile.test.ts sends bytes that a runtime would not send. */
const raw = ['CNIFrameMalformed', 'Aborted'] as const satisfies readonly ErrorCode[];

/** Errors that need an API server, which this stage lacks (pod-mac.test.ts, test/process/mac-for-life.test.ts). */
const clusterOnly = ['LookupFailed', 'PodOwnerUnknown'] as const satisfies readonly ErrorCode[];

/** Errors that occur only shortly after the start (test/kernel/cni-holders.test.ts). */
const early = ['PlanUnknown'] as const satisfies readonly ErrorCode[];

/**
 * Errors that no runtime receives, and errors that only a hanging kernel or kubelet causes (handle-request.test.ts).
 */
const others: readonly ErrorCode[] = [
  'CNISocketFailed',
  'ShimNotInstalled',
  'TombstoneFailed',
  'DeadlineExceeded',
  // This is a warning in the log (cni-life.test.ts).
  'NetConfUnsupported',
  // No call of a runtime creates a VLAN (test/machines/vlans.test.ts).
  'VlanUnsupported',
];

async function removePlaceholders(node: ShimNode, parent: string): Promise<void> {
  const standing = (await showMacvtaps(node.namespace)).filter(({ link }) => link === parent);
  for (const { ifname } of standing) await node.namespace.ip(`link del ${ifname}`);
}

/**
 * Adds a policy that also offers `net`, and admits only namespaces with team=a. The resource `sign` shows that the
 * policy was read.
 */
async function restrict(node: ShimNode, ...namespaces: readonly object[]): Promise<() => Promise<unknown>> {
  const namespaceSelector = { matchLabels: { team: 'a' } };
  const parentSelector = ['net', 'sign'].map((resourceName) => ({ parentIface: 'p0', resourceName, quantity: 1 }));
  await node.write('restriction.yaml', policyObject('q', { namespaceSelector, parentSelector }), ...namespaces);
  await node.lists('sign', ['signMvp0']);
  return async () => {
    await rm(join(node.manifests, 'restriction.yaml'));
    await node.isGone('sign');
  };
}

async function takeStateAway({ node }: Stage): Promise<() => Promise<unknown>> {
  const away = `${node.stateDirectory}-away`;
  await rename(node.stateDirectory, away);
  return () => rename(away, node.stateDirectory);
}

/**
 * Errors that a request could get only in theory. With a kernel, a kubelet or rights that cause them, the node plugin
 * would not start, or would end.
 */
const rare: readonly ErrorCode[] = [
  'IfindexTaken',
  'LinkGone',
  'LinkNameInvalid',
  'MacvtapUnsupported',
  'MissingCapability',
  'NetlinkLost',
  'NetlinkMalformed',
  'NetlinkRefused',
  'NetlinkUnavailable',
  'NetnsUnreachable',
  'ParentGone',
  'ParentUnsuitable',
  'TapNodeUnreadable',
];

test('the table has every code that the CNI server raises, including errors of the kernel and of kubelet', async () => {
  const found = new Set<string>();
  for (const folder of ['admission', 'cni', 'links', 'netlink', 'podresources']) {
    const path = fileURLToPath(new URL(`../../nodeplugin/${folder}`, import.meta.url));
    const names = (await readdir(path, { recursive: true })).filter(
      (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
    );
    for (const name of names) {
      const text = await readFile(join(path, name), 'utf8');
      for (const [, code] of text.matchAll(/'([A-Z]\w+)'/g))
        if (code !== undefined && code in errorCodes) found.add(code);
    }
  }
  const known: readonly string[] = [
    ...rows.map(({ code }) => code),
    ...raw,
    ...early,
    ...clusterOnly,
    ...others,
    ...rare,
    'Unexpected',
  ];
  assert.deepEqual(
    [...found].filter((code) => !known.includes(code)),
    [],
  );
  assert.deepEqual(
    rare.filter((code) => !found.has(code)),
    [],
    'every code in the list of rare errors can occur',
  );
});

test('docs/reference/cni.md has each of them, in the row of its number', async () => {
  const page = await readFile(new URL('../../docs/reference/cni.md', import.meta.url), 'utf8');
  for (const { code, cniCode } of rows) assert.match(page, new RegExp(`^\\| ${cniCode} +\\|.*\`${code}\``, 'm'));
});

async function setStage(scope: AsyncDisposableStack): Promise<Stage> {
  const node = scope.use(await makeShimNode({ quantity: 6 }));
  await addLink(node.namespace, 'p9');
  const parentSelector = [{ parentIface: 'p9', resourceName: 'solo', mode: 'passthru' }];
  await node.write('solo.yaml', policyObject('solo', { parentSelector }));
  const plugin = node.run();
  await node.offers({ net: 6, solo: 1 });
  const [own, others, solo] = [await node.admit('vm-a'), await node.admit('vm-b'), await node.admit('vm-a', 'solo')];
  const [pod, other] = [scope.use(await makeNetworkNamespace()), scope.use(await makeNetworkNamespace())];
  return { node, plugin, own, others, solo, pod, other };
}

test('an error names pod, network, resource and device, the reason, and the next step', options, async (t) => {
  await using scope = new AsyncDisposableStack();
  const stage = await setStage(scope);
  const { node, plugin, pod } = stage;
  for (const { code, cniCode, command = 'ADD', about = ofNet, says, call = {}, arrange } of rows) {
    await t.test(`${code} (${cniCode})`, async () => {
      const given = typeof call === 'function' ? await call(stage) : call;
      const takeBack = await arrange?.(stage);
      try {
        const { exitCode, output } = await node.call(command, {
          netns: pod.path,
          conf: { deviceID: 'netMvp0' },
          ...given,
        });
        assert.deepEqual([exitCode, output?.details, output?.code], [1, code, cniCode], JSON.stringify(output));
        assert.match(String(output?.msg), about);
        assert.match(String(output?.msg), says);
        assert.deepEqual(await showMacvtaps(pod), [], 'the pod has no link');
      } finally {
        await takeBack?.();
      }
    });
  }
  await t.test('the log has all these errors', async () => {
    const read = () => plugin.output.split('\n').filter((line) => line.includes('CNI request failed'));
    // The last log line may arrive after the response.
    await until(
      async () => rows.filter(({ code }) => !read().some((line) => line.includes(`"code":"${code}"`))),
      (missing) => missing.length === 0,
    );
    const failures = read();
    const timed = /"pod":\{"namespace":"vms","name":"vm-[ab]"\}.*"durationMs":[\d.]+,"error":/;
    assert.deepEqual(
      failures.filter((line) => !timed.test(line)),
      [],
      'each has its pod and its duration',
    );
  });
  await t.test('none of these errors prevents a later ADD', async () => {
    const { exitCode, output } = await node.call('ADD', { netns: pod.path, conf: { deviceID: 'netMvp0' } });
    assert.equal(exitCode, 0, JSON.stringify(output));
  });
});
