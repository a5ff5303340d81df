// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import { test } from 'node:test';
import { openLinks } from '../../nodeplugin/links/links.ts';

// Network namespaces of tests have no physical NICs. These tests read the machine's own NICs, and change nothing.

const names = await readdir('/sys/class/net');
const withDriver: string[] = [];
for (const name of names) {
  if (await readlink(`/sys/class/net/${name}/device/driver`).catch(() => undefined)) withDriver.push(name);
}

test("the machine's own NICs have the driver, address and IDs that sysfs shows below their names", {
  skip: withDriver.length === 0 && 'this machine has no NIC with a device in sysfs',
}, async () => {
  await using links = await openLinks();
  const interfaces = await links.readInterfaces();
  for (const name of withDriver) {
    const facts = interfaces.find((link) => link.name === name);
    const device = await realpath(`/sys/class/net/${name}/device`);
    assert.equal(facts?.driver, basename(await readlink(`${device}/driver`)), name);
    assert.equal(facts?.macAddress, (await readFile(`/sys/class/net/${name}/address`, 'utf8')).trim());
    if (facts?.pciAddress === undefined) continue;
    assert.ok(device.split('/').includes(facts.pciAddress), `${facts.pciAddress} is not on ${device}`);
    assert.equal(
      (await readFile(`/sys/bus/pci/devices/${facts.pciAddress}/vendor`, 'utf8')).trim(),
      `0x${facts.vendorID}`,
    );
  }
});
