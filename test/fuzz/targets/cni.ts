// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { decodeFrame, encodeFrame, type Frame } from '../../../nodeplugin/cni/shim/frame.ts';
import { createFrameStream } from '../../../nodeplugin/cni/shim/unix-socket.ts';
import { readCNIEnvironment } from '../../../nodeplugin/cni/spec/cni-environment.ts';
import { parseNetConf } from '../../../nodeplugin/cni/spec/net-conf.ts';
import { MacvtapError } from '../../../runtime/errors.ts';
import { type Target, textOf, unlessRefused } from '../target.ts';

const variables = {
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: 'c1',
  CNI_NETNS: '/var/run/netns/n1',
  CNI_IFNAME: 'net1',
  CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=vms;K8S_POD_NAME=a;K8S_POD_UID=u;MAC=52:54:00:00:00:01',
} as const;
const config = JSON.stringify({
  cniVersion: '1.1.0',
  name: 'net',
  type: 'macvtap',
  deviceID: 'dataplaneMvp1',
  mode: 'bridge',
  modeFrom: 'policy',
  mtu: 1500,
  mac: '52:54:00:00:00:01',
  promiscMode: true,
  owner: 107,
  group: 107,
  args: { cni: { mac: '52:54:00:00:00:02' } },
  runtimeConfig: { mac: '52:54:00:00:00:03', deviceID: 'd', ips: [] },
  ipam: {},
  dns: {},
  prevResult: { interfaces: [{ name: 'eth0' }] },
});
const frames: readonly Frame[] = [
  { type: 'request', environment: new Map(Object.entries(variables)), stdin: Buffer.from(config) },
  { type: 'own', ifindex: 1_073_741_950, major: 246, minor: 3, uid: 107, gid: 107 },
  { type: 'owned', errno: 13, step: 'chown' },
  { type: 'answer', exitCode: 0, output: '{}' },
];

export const cniTargets: readonly Target[] = [
  {
    name: 'cni-frame',
    invariant: 'A frame is refused as CNIFrameMalformed or survives being written and read again.',
    shape: 'bytes',
    seeds: frames.map(encodeFrame),
    words: ['KMVT\u0001\u0001\0\0', 'CNI_COMMAND=DEL\0'],
    run(input) {
      const frame = unlessRefused(['CNIFrameMalformed'], () => decodeFrame(input));
      if (frame !== undefined) assert.deepEqual(decodeFrame(encodeFrame(frame)), plain(frame));
    },
  },
  {
    name: 'cni-stream',
    invariant: 'A connection returns the same frames, or the same error, however its bytes are split into chunks.',
    shape: 'bytes',
    seeds: [Buffer.concat(frames.map(encodeFrame)), encodeFrame({ type: 'answer', exitCode: 1, output: 'no' })],
    async run(input) {
      const whole = await readStream([input]);
      const third = Math.ceil(input.length / 3);
      assert.deepEqual(await readStream([0, 1, 2].map((i) => input.subarray(i * third, (i + 1) * third))), whole);
    },
  },
  {
    name: 'cni-environment',
    invariant:
      'Variables are refused as CNIEnvironmentInvalid or name a legal link and a namespace below /run or /proc.',
    shape: 'text',
    seeds: [
      Object.entries(variables)
        .map(([key, value]) => `${key}=${value}`)
        .join('\n'),
      'CNI_COMMAND=GC',
    ],
    words: ['CNI_NETNS=/proc/1/ns/net', 'DEL', 'CHECK', 'STATUS', 'VERSION', '/../', '/run/netns/', '\u2028', ';'],
    run(input) {
      const pairs = textOf(input)
        .split('\n')
        .map((line) => line.split('=', 2) as [string, string?]);
      const given = new Map(pairs.map(([key, value = '']) => [key, value]));
      const read = unlessRefused(['CNIEnvironmentInvalid'], () => readCNIEnvironment(given));
      if (read === undefined) return;
      assert.match(read.netns, /^$|^\/run\/netns\/[^/]+$|^\/proc\/\d+\/(task\/\d+\/)?ns\/net$/);
      if (read.command !== 'ADD') return;
      assert.ok(Buffer.byteLength(read.ifname) <= 15 && !/[/\s\0]/.test(read.ifname) && read.ifname !== '');
    },
  },
  {
    name: 'cni-config',
    invariant: 'A configuration is refused with one of three codes or is within the limits of the kernel.',
    shape: 'json',
    seeds: [config, '{"cniVersion":"0.3.1","name":"n","type":"macvtap"}'],
    words: ['passthru', 'vepa', 'private', '0.4.0', '1.0.0', 'runtimeConfig', 'args', 'cni', 'policy'],
    run(input) {
      const refused = ['NetConfUndecodable', 'CNIVersionUnsupported', 'NetConfUnsupported', 'NetConfInvalid'] as const;
      const read = unlessRefused(refused, () => parseNetConf(input));
      if (read === undefined) return;
      assert.ok(read.mtu === undefined || (read.mtu >= 68 && read.mtu <= 65_535));
      assert.match(read.name, /^[a-zA-Z0-9][\w.-]*$/);
      for (const id of [read.owner, read.group]) assert.ok(Number.isInteger(id) && id >= 0 && id < 0xffff_ffff);
      for (const mac of Object.values(read.macs)) assert.match(mac, /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i);
    },
  },
];

/** Returns the frames of a connection, and how the connection ended. */
async function readStream(chunks: readonly Uint8Array[]): Promise<readonly unknown[]> {
  const socket = new PassThrough();
  const stream = createFrameStream(socket as unknown as Socket);
  const { signal } = new AbortController();
  for (const chunk of chunks) socket.write(chunk);
  socket.end();
  const read: unknown[] = [];
  try {
    for (;;) read.push(plain(await stream.next(signal, 60_000)));
  } catch (thrown) {
    if (!(thrown instanceof MacvtapError)) throw thrown;
    assert.ok(['CNIFrameMalformed', 'Aborted'].includes(thrown.code));
    return [...read, thrown.code];
  }
}

/** Returns a frame in a form that can be compared: views of bytes become Buffers. */
function plain(frame: Frame): unknown {
  return frame.type === 'request' ? { ...frame, stdin: Buffer.from(frame.stdin) } : frame;
}
