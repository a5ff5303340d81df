// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import type { ShimEnd, ShimRun } from './shim-program.ts';

/** The variables that a runtime sets in addition to CNI_COMMAND. */
export const pod = {
  CNI_CONTAINERID: 'c1',
  CNI_NETNS: '/run/netns/pod',
  CNI_IFNAME: 'net1',
  CNI_ARGS: 'IgnoreUnknown=1;K8S_POD_NAMESPACE=vms;K8S_POD_NAME=vm-a',
  CNI_PATH: '/opt/cni/bin',
};

export const conf = '{"cniVersion":"1.0.0","name":"blue","type":"macvtap"}';

export function callOf(command: string, given: Readonly<Record<string, string>> = {}): ShimRun {
  return { environment: { CNI_COMMAND: command, ...pod, ...given }, stdin: conf };
}

export function assertEnd(end: ShimEnd, exitCode: number, stdout: string): void {
  assert.deepEqual(end, { exitCode, signal: null, stdout, stderr: '' });
}

/** Asserts that the shim printed its own error: a single line of JSON and nothing else, with exit code 1. */
export function assertError(end: ShimEnd, code: number, message: RegExp, cniVersion = '1.0.0'): void {
  assert.deepEqual([end.exitCode, end.signal, end.stderr], [1, null, ''], JSON.stringify(end));
  const error = JSON.parse(end.stdout);
  assert.deepEqual(Object.keys(error), ['cniVersion', 'code', 'msg']);
  assert.deepEqual([error.cniVersion, error.code], [cniVersion, code], end.stdout);
  assert.match(error.msg, message);
}
