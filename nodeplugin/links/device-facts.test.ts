// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { readDeviceFacts } from './read-interfaces.ts';

/** Paths below /sys; a value that starts with `->` is a symbolic link. */
type Tree = Readonly<Record<string, string>>;

async function makeSysfs(tree: Tree) {
  const directory = await mkdtempDisposable(join(tmpdir(), 'macvtap-sysfs-'));
  for (const [path, content] of Object.entries(tree)) {
    const full = join(directory.path, path);
    await mkdir(dirname(full), { recursive: true });
    if (content.startsWith('->')) await symlink(join(directory.path, content.slice(2)), full);
    else await writeFile(full, content);
  }
  return directory;
}

const nic = 'devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0';
const pciNIC: Tree = {
  [`${nic}/vendor`]: '0x8086\n',
  [`${nic}/device`]: '0x1572\n',
  [`${nic}/numa_node`]: '1\n',
  [`${nic}/driver`]: '->bus/pci/drivers/i40e',
  'bus/pci/drivers/i40e/module': '',
  'bus/pci/devices/0000:3b:00.0': `->${nic}`,
};

test('a PCI NIC has driver, address, IDs and NUMA node', async () => {
  await using sysfs = await makeSysfs(pciNIC);
  assert.deepEqual(await readDeviceFacts({ name: '0000:3b:00.0', bus: 'pci' }, sysfs.path), {
    driver: 'i40e',
    pciAddress: '0000:3b:00.0',
    vendorID: '8086',
    deviceID: '1572',
    numaNode: 1,
  });
});

test('a virtio NIC has its own driver, and the PCI facts of its parent device', async () => {
  const pci = 'devices/pci0000:00/0000:00:03.0';
  await using sysfs = await makeSysfs({
    [`${pci}/vendor`]: '0x1af4\n',
    [`${pci}/device`]: '0x1041\n',
    [`${pci}/numa_node`]: '-1\n',
    [`${pci}/virtio2/vendor`]: '0x1af4\n',
    [`${pci}/virtio2/device`]: '0x0001\n',
    [`${pci}/virtio2/driver`]: '->bus/virtio/drivers/virtio_net',
    'bus/virtio/drivers/virtio_net/bind': '',
    'bus/virtio/devices/virtio2': `->${pci}/virtio2`,
  });
  assert.deepEqual(await readDeviceFacts({ name: 'virtio2', bus: 'virtio' }, sysfs.path), {
    driver: 'virtio_net',
    pciAddress: '0000:00:03.0',
    vendorID: '1af4',
    deviceID: '1041',
  });
});

test('a USB NIC does not have the PCI address of its USB controller', async () => {
  const usb = 'devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0';
  await using sysfs = await makeSysfs({
    'devices/pci0000:00/0000:00:14.0/vendor': '0x8086\n',
    [`${usb}/driver`]: '->bus/usb/drivers/cdc_ether',
    'bus/usb/drivers/cdc_ether/bind': '',
    'bus/usb/devices/1-2:1.0': `->${usb}`,
  });
  assert.deepEqual(await readDeviceFacts({ name: '1-2:1.0', bus: 'usb' }, sysfs.path), { driver: 'cdc_ether' });
});

test('a PCI domain may have more than four digits', async () => {
  const path = 'devices/pci10000:e0/10000:e1:00.0';
  await using sysfs = await makeSysfs({
    [`${path}/vendor`]: '0x8086\n',
    'bus/pci/devices/10000:e1:00.0': `->${path}`,
  });
  assert.deepEqual(await readDeviceFacts({ name: '10000:e1:00.0', bus: 'pci' }, sysfs.path), {
    pciAddress: '10000:e1:00.0',
    vendorID: '8086',
  });
});

test('a device that vanished has no facts', async () => {
  await using sysfs = await makeSysfs({});
  assert.deepEqual(await readDeviceFacts({ name: '0000:3b:00.0', bus: 'pci' }, sysfs.path), {});
});
