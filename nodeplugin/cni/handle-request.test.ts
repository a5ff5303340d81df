// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { readInterface } from '../../policy/plan/interfaces.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { createKeyedMutex } from '../../runtime/locks.ts';
import { admitAll } from '../../test/fixtures/admission/admit-all.ts';
import type { DeviceRecord } from '../ledger/device-record.ts';
import type { CNIContext, ShimRights } from './cni-context.ts';
import { findTroubles, handleRequest, status } from './handle-request.ts';

const { signal } = new AbortController();
const shim: ShimRights = { own: async () => {}, lendNetlink: async () => assert.fail('nothing migrates') };

/**
 * Creates the context of a node that has allocated netMvp0 and has no pod namespaces. Operations that would change the
 * kernel fail the test.
 */
function context(more: Partial<CNIContext> = {}): CNIContext {
  const record: DeviceRecord = { resource: 'net', parent: 'eth1', mode: 'bridge', ifindex: 5, attempt: 0, lastUsed: 1 };
  const untouched = async () => assert.fail('the kernel is not asked');
  return {
    nodeName: 'node',
    links: {
      createMacvtap: untouched,
      deleteLink: untouched,
      getLink: untouched,
      getLinkIn: async () => undefined,
      deleteLinkIn: untouched,
      rememberNetns: untouched,
      searchLink: async () => [],
      deleteFoundLink: untouched,
      readTapLinkName: () => undefined,
      listTaps: () => [],
      identifyTap: () => undefined,
      readTapNode: async () => ({ path: '/dev/tap5', matches: false }),
    },
    ledger: {
      get: (id) => (id === 'netMvp0' ? record : undefined),
      entries: () => [['netMvp0', record]],
      record: async () => {},
    },
    lock: createKeyedMutex(),
    interfaces: () => [readInterface({ name: 'eth1', ifindex: 2 })],
    resources: () => new Map(),
    isPlanKnown: () => true,
    holders: { known: () => [], ask: async () => [], wasListed: () => false },
    admission: admitAll,
    troubles: async () => [],
    onTrouble: assert.fail,
    ...more,
  };
}

async function ask(environment: Readonly<Record<string, string>>, conf: unknown, more: Partial<CNIContext> = {}) {
  const request = {
    environment: new Map(Object.entries(environment)),
    stdin: new TextEncoder().encode(typeof conf === 'string' ? conf : JSON.stringify(conf)),
  };
  const { exitCode, output } = await handleRequest(request, shim, context(more), signal);
  return { exitCode, output: output === '' ? undefined : JSON.parse(output) };
}

const conf = { cniVersion: '1.1.0', name: 'blue', type: 'macvtap', deviceID: 'netMvp0' };
const add = {
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: 'c1',
  CNI_NETNS: '/run/netns/kmt-never-was',
  CNI_IFNAME: 'net1',
  CNI_ARGS: 'K8S_POD_NAMESPACE=vms;K8S_POD_NAME=vm-a',
};

/** Each message begins with the request, followed by the error and the next step. */
const failures = [
  {
    title: 'no command',
    environment: {},
    conf,
    code: 4,
    msg: /^a command, network blue, device netMvp0 of resource net: CNI_COMMAND is missing/,
  },
  {
    title: 'an invalid variable',
    environment: { ...add, CNI_IFNAME: 'a/b' },
    conf,
    code: 4,
    msg: /CNI_IFNAME is "a\/b".*; check how/,
  },
  {
    title: 'no configuration',
    environment: add,
    conf: '',
    code: 6,
    msg: /^ADD of net1 for pod vms\/vm-a: .*empty; change its NetworkAttachmentDefinition/,
  },
  {
    title: 'a version that is too old',
    environment: add,
    conf: { ...conf, cniVersion: '0.1.0' },
    code: 1,
    msg: /cniVersion is "0.1.0": write one of/,
  },
  {
    title: 'CHECK in a version without CHECK',
    environment: { ...add, CNI_COMMAND: 'CHECK' },
    conf: { ...conf, cniVersion: '0.3.1' },
    code: 1,
    msg: /CHECK came with CNI 0.4.0/,
  },
  {
    title: 'GC in a version without GC',
    environment: { CNI_COMMAND: 'GC' },
    conf: { ...conf, cniVersion: '1.0.0' },
    code: 1,
    msg: /GC came with CNI 1.1.0/,
  },
  {
    title: 'STATUS in a version without STATUS',
    environment: { CNI_COMMAND: 'STATUS' },
    conf: { ...conf, cniVersion: '1.0.0' },
    code: 1,
    msg: /STATUS came with/,
  },
  {
    title: 'an invalid key',
    environment: add,
    conf: { ...conf, mtu: 1 },
    code: 7,
    msg: /mtu is 1, not .*; change its NetworkAttachmentDefinition/,
  },
  {
    title: 'a namespace that is gone',
    environment: add,
    conf,
    code: 8,
    msg: /cannot use the network namespace \/run\/netns\/kmt-never-was: ENOENT/,
  },
  {
    title: 'a pod without a device',
    environment: add,
    conf: { ...conf, deviceID: '' },
    more: {
      resources: () =>
        new Map([
          ['net', {} as never],
          ['blue', {} as never],
        ]),
    },
    code: 100,
    msg: /^ADD of net1 for pod vms\/vm-a, network blue: the pod holds no device for network blue: .*macvtap.network.kubevirt.io\/<resource>.*offered here: blue, net/,
  },
  {
    title: 'a CHECK of an interface that was never attached',
    environment: { ...add, CNI_COMMAND: 'CHECK' },
    conf,
    code: 8,
    msg: /^CHECK of net1/,
  },
  {
    title: 'a GC without a list',
    environment: { CNI_COMMAND: 'GC' },
    conf,
    code: 7,
    msg: /cni.dev\/valid-attachments of network blue is not a list/,
  },
  {
    title: 'a node that is not ready',
    environment: { CNI_COMMAND: 'STATUS' },
    conf,
    more: { troubles: async () => ['no macvtap'] },
    code: 50,
    msg: /no pod can be attached now: no macvtap/,
  },
  {
    title: 'a programming error',
    environment: { CNI_COMMAND: 'STATUS' },
    conf,
    more: { troubles: () => Promise.reject(new TypeError('x is not a function')) },
    code: 999,
    msg: /x is not a function/,
  },
] as const satisfies readonly {
  readonly title: string;
  readonly code: number;
  readonly msg: RegExp;
  readonly [key: string]: unknown;
}[];

for (const failure of failures) {
  const { title, environment, conf: given, code, msg } = failure;
  test(`${title} results in error ${code}`, async () => {
    const { exitCode, output } = await ask(environment, given, 'more' in failure ? failure.more : {});
    assert.deepEqual([exitCode, output.code], [1, code], output.msg);
    assert.match(output.msg, msg);
  });
}

test("an error has the configuration's version and this project's error code", async () => {
  const { output } = await ask(add, { ...conf, cniVersion: '0.4.0', mode: 'x' });
  assert.deepEqual([output.cniVersion, output.details], ['0.4.0', 'NetConfInvalid']);
});

test('VERSION returns the supported versions for any configuration', async () => {
  const supportedVersions = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'];
  for (const [given, cniVersion] of [
    [{ cniVersion: '0.4.0' }, '0.4.0'],
    [{ cniVersion: '9.9.9' }, '1.1.0'],
    ['', '1.1.0'],
  ] as const) {
    const answer = await ask({ CNI_COMMAND: 'VERSION' }, given);
    assert.deepEqual(answer, { exitCode: 0, output: { cniVersion, supportedVersions } });
  }
});

test('a DEL of an interface that was never attached succeeds without output', async () => {
  for (const given of [conf, '', { deviceID: 7 }, { deviceID: 'strangerMvp0' }]) {
    assert.deepEqual(await ask({ ...add, CNI_COMMAND: 'DEL' }, given), { exitCode: 0, output: undefined });
  }
});

test('the failure listener gets the pod of the request, if the request is readable', async () => {
  for (const [variables, pod] of [
    [add, { namespace: 'vms', name: 'vm-a' }],
    [{ ...add, CNI_IFNAME: 'a/b' }, undefined],
  ] as const) {
    const request = { environment: new Map(Object.entries(variables)), stdin: new TextEncoder().encode('') };
    let told: unknown;
    await handleRequest(request, shim, context({}), signal, (operation, { code }, environment) => {
      told = [operation.split(' ')[0], code, environment?.pod];
    });
    assert.deepEqual(told, ['ADD', pod === undefined ? 'CNIEnvironmentInvalid' : 'NetConfUndecodable', pod]);
  }
});

test('the error for a closed netlink socket asks the runtime to try again', async () => {
  const request = {
    environment: new Map([['CNI_COMMAND', 'STATUS']]),
    stdin: new TextEncoder().encode(JSON.stringify(conf)),
  };
  const troubles = () => Promise.reject(new MacvtapError('NetlinkUnavailable', 'the socket was closed'));
  const { output } = await handleRequest(request, shim, context({ troubles }), AbortSignal.abort());
  assert.deepEqual([JSON.parse(output).code, JSON.parse(output).details], [11, 'Aborted']);
});

test('any input gets a well-formed answer, and no other namespace or device is changed', async () => {
  const names = fc.constantFrom(
    'CNI_COMMAND',
    'CNI_CONTAINERID',
    'CNI_NETNS',
    'CNI_IFNAME',
    'CNI_ARGS',
    'CNI_PATH',
    'X',
  );
  const values = fc.oneof(
    fc.constantFrom(
      'ADD',
      'DEL',
      'CHECK',
      'GC',
      'STATUS',
      'VERSION',
      '/run/netns/kmt-x',
      '/proc/1/ns/net',
      'net1',
      'K8S_POD_NAME=a',
    ),
    fc.string({ unit: 'binary' }),
  );
  const config = fc.oneof(
    fc.json(),
    fc.string(),
    fc
      .dictionary(fc.string(), fc.jsonValue())
      .map((given) => JSON.stringify({ ...conf, deviceID: 'strangerMvp0', ...given })),
  );
  await fc.assert(
    fc.asyncProperty(fc.dictionary(names, values), config, async (environment, given) => {
      const { exitCode, output } = await ask(environment, given);
      if (exitCode === 0) return;
      assert.equal(exitCode, 1);
      assert.deepEqual(Object.keys(output), ['cniVersion', 'code', 'msg', 'details']);
      assert.ok(Number.isInteger(output.code) && output.code > 0);
      assert.notEqual(output.details, 'Unexpected', output.msg);
    }),
  );
});

const root = '22 1 254:0 / / rw,relatime - ext4 /dev/vda rw';
const devtmpfs = '23 22 0:5 / /dev ro,relatime shared:2 - devtmpfs devtmpfs rw,mode=755';
const pts = '24 23 0:21 / /dev/pts rw - devpts devpts rw';
const tmpfs = '25 22 0:30 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k';

/** Creates a kernel that refuses to create links with the given error code. */
const refusing = (code: 'ParentGone' | 'MacvtapUnsupported' | 'MissingCapability') => ({
  createMacvtap: async () => {
    throw new MacvtapError(code, `the kernel reports ${code}`);
  },
});

async function look(more: Partial<Parameters<typeof findTroubles>[0]>, ...mounts: readonly string[]) {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-status-'));
  const mountInfo = join(folder.path, 'mountinfo');
  await writeFile(mountInfo, [root, ...mounts, pts, ''].join('\n'));
  const ready = { links: refusing('ParentGone'), stateDirectory: folder.path, isPlanKnown: () => true, mountInfo };
  return findTroubles({ ...ready, ...more });
}

test('a node that meets all prerequisites has no troubles', async () => {
  assert.deepEqual(await look({}, devtmpfs), []);
});

for (const [title, given, mounts, message] of [
  ['the kernel has no macvtap', { links: refusing('MacvtapUnsupported') }, [devtmpfs], /^the kernel has no macvtap/],
  [
    'the process may not create links',
    { links: refusing('MissingCapability') },
    [devtmpfs],
    /reports MissingCapability$/,
  ],
  ["/dev is the container's own", {}, [devtmpfs, tmpfs], /^\/dev is a tmpfs, and taps appear only in a devtmpfs/],
  ['/dev is not a mount', {}, [], /^\/dev is not a mount/],
  [
    'the ledger has no directory',
    { stateDirectory: '/proc/none' },
    [devtmpfs],
    /^the ledger cannot be written: ENOENT/,
  ],
  ['there is no plan yet', { isPlanKnown: () => false }, [devtmpfs], /has no plan for this node yet/],
] as const) {
  test(`a trouble is reported if ${title}`, async () => {
    const [trouble = '', ...more] = await look(given, ...mounts);
    assert.match(trouble, message);
    assert.deepEqual(more, []);
  });
}

test('STATUS fails if there are troubles, and lists all of them', async () => {
  await status({ troubles: async () => [] });
  await assert.rejects(status({ troubles: async () => ['a', 'b'] }), { code: 'CNINotReady', message: /now: a; b$/ });
});
