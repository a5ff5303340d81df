// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCNIEnvironment } from './cni-environment.ts';

const full = {
  CNI_COMMAND: 'ADD',
  CNI_CONTAINERID: 'cnitool-77383ca0a0715733ca6f',
  CNI_NETNS: '/var/run/netns/cni-5d6e',
  CNI_IFNAME: 'net1',
  CNI_ARGS: 'IgnoreUnknown=true;K8S_POD_NAMESPACE=vms;K8S_POD_NAME=vm-a;K8S_POD_UID=5f1d-2c3b;MAC=52:54:00:00:00:01;',
};
const read = (more: Readonly<Record<string, string>>) => readCNIEnvironment(new Map(Object.entries(more)));

test('the variables of an ADD are read, including the pod', () => {
  assert.deepEqual(read(full), {
    command: 'ADD',
    containerID: 'cnitool-77383ca0a0715733ca6f',
    netns: '/run/netns/cni-5d6e',
    sandbox: '/var/run/netns/cni-5d6e',
    ifname: 'net1',
    pod: { namespace: 'vms', name: 'vm-a', uid: '5f1d-2c3b' },
    mac: '52:54:00:00:00:01',
  });
});

test("a runtime may omit the pod's UID, or leave it empty", () => {
  for (const uid of ['', 'K8S_POD_UID=;']) {
    const { pod } = read({ ...full, CNI_ARGS: `K8S_POD_NAMESPACE=vms;K8S_POD_NAME=vm-a;${uid}` });
    assert.deepEqual(pod, { namespace: 'vms', name: 'vm-a' });
  }
});

test('a DEL needs only its container and interface, and other errors are ignored', () => {
  const { netns, pod } = read({ CNI_COMMAND: 'DEL', CNI_CONTAINERID: 'c', CNI_IFNAME: 'net1', CNI_ARGS: '=' });
  assert.deepEqual([netns, pod], ['', undefined]);
});

test("a DEL ignores a path that is not a pod's network namespace", () => {
  for (const CNI_NETNS of ['/etc/passwd', '/proc/1/root/run/netns/x', '/run/netns/../x', '/var/run//netns/x']) {
    const { netns, sandbox } = read({ ...full, CNI_COMMAND: 'DEL', CNI_NETNS });
    assert.deepEqual([netns, sandbox], ['', CNI_NETNS]);
  }
  assert.equal(read({ ...full, CNI_COMMAND: 'DEL', CNI_NETNS: '/proc/7/ns/net' }).netns, '/proc/7/ns/net');
});

for (const command of ['GC', 'STATUS', 'VERSION']) {
  test(`${command} needs no other variable`, () => assert.equal(read({ CNI_COMMAND: command }).command, command));
}

for (const [title, given, message] of [
  ['no command', {}, /CNI_COMMAND is missing, not one of ADD/],
  ['an unknown command', { CNI_COMMAND: 'UPDATE' }, /CNI_COMMAND is "UPDATE"/],
  ['a container with a slash', { ...full, CNI_CONTAINERID: '../x' }, /CNI_CONTAINERID is "..\/x"/],
  ['a container ID that is reserved for unknown containers', { ...full, CNI_CONTAINERID: '?' }, /CNI_CONTAINERID/],
  ['an interface of 16 bytes', { ...full, CNI_IFNAME: 'a'.repeat(16) }, /CNI_IFNAME/],
  ['an interface of 15 characters and 16 bytes', { ...full, CNI_IFNAME: `${'a'.repeat(14)}ä` }, /CNI_IFNAME/],
  ['an interface name with a placeholder for a number', { ...full, CNI_IFNAME: 'net%d' }, /CNI_IFNAME/],
  ['an interface named with two dots', { ...full, CNI_IFNAME: '..' }, /CNI_IFNAME/],
  [
    'a namespace in another directory',
    { ...full, CNI_NETNS: '/etc/shadow' },
    /CNI_NETNS is "\/etc\/shadow", not below \/run\/netns/,
  ],
  ['no namespace', { ...full, CNI_NETNS: '' }, /CNI_NETNS is missing/],
  ['arguments without a value', { ...full, CNI_ARGS: 'A=1;B' }, /CNI_ARGS is "A=1;B"/],
] as const) {
  test(`${title} is rejected`, () => assert.throws(() => read(given), { code: 'CNIEnvironmentInvalid', message }));
}

test('one error lists all invalid variables', () => {
  assert.throws(() => read({ CNI_COMMAND: 'CHECK' }), { message: /CNI_CONTAINERID.*CNI_NETNS.*CNI_IFNAME/ });
});
