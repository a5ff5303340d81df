// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cardsOf, findCard, readNIC, switchBonds } from './nics.ts';

const plan = (...texts: readonly string[]) => ({
  name: 'm1',
  number: 3,
  labels: {},
  interfaces: texts.map((text) => readNIC(text).name),
  machine: { nics: texts.map(readNIC) },
});

describe('the text of --nic', () => {
  it('is a card, or a bond with a mode and its ports, each on a NUMA node if wanted', () => {
    assert.deepEqual(readNIC('eth1=virtio'), { name: 'eth1', ports: [{ model: 'virtio' }] });
    assert.deepEqual(readNIC('bond1=802.3ad:e1000e@0,vmxnet3@1'), {
      name: 'bond1',
      bond: '802.3ad',
      ports: [
        { model: 'e1000e', numaNode: 0 },
        { model: 'vmxnet3', numaNode: 1 },
      ],
    });
  });

  for (const [text, message] of [
    ['', /write NAME=MODEL or NAME=MODE:MODEL,MODEL/],
    ['eth1', /write NAME=MODEL/],
    ['averylongname=virtio', /a name has up to 8 letters and digits/],
    ['k0=virtio', /k0 is the node's uplink/],
    ['eth1=', /nothing is not a card; write one of virtio, e1000e, vmxnet3/],
    ['eth1=igb', /igb is not a card/],
    ['eth1=virtio,virtio', /several ports make a bond; write its mode: eth1=802\.3ad:virtio,virtio/],
    ['eth1=virtio@2', /there is no NUMA node 2/],
    ['bond1=balance-rr:virtio', /balance-rr is not a mode here; write one of 802\.3ad, active-backup/],
    [`bond1=802.3ad:${Array(9).fill('virtio').join()}`, /up to 8 ports/],
  ] as const) {
    it(`${text || 'nothing'} is an error that shows what to write`, () => assert.throws(() => readNIC(text), message));
  }
});

describe('the cards of a machine', () => {
  const cards = cardsOf(plan('bond1=802.3ad:e1000e,e1000e@1', 'bond2=active-backup:virtio,virtio', 'eth1=vmxnet3'));

  it('are the uplink, the ports by their names, and the other end of 802.3ad bonds', () => {
    assert.deepEqual(
      cards.map(({ name, model, cable }) => [name, model, 'tap' in cable ? cable.tap : cable.hub]),
      [
        ['k0', 'virtio', 'kmtc3'],
        ['bond1p0', 'e1000e', 0],
        ['bond1p1', 'e1000e', 1],
        ['sw0p0', 'virtio', 0],
        ['sw0p1', 'virtio', 1],
        ['sw0up', 'virtio', 'kmtc3.5'],
        ['bond2p0', 'virtio', 'kmtc3.6'],
        ['bond2p1', 'virtio', 'kmtc3.7'],
        ['eth1', 'vmxnet3', 'kmtc3.8'],
      ],
    );
    assert.equal(new Set(cards.map(({ mac }) => mac)).size, cards.length);
    assert.deepEqual(switchBonds(plan('bond1=802.3ad:virtio,virtio')), [
      { name: 'bond1', ports: ['sw0p0', 'sw0p1'], uplink: 'sw0up' },
    ]);
  });

  it('are found by name, except the uplink and those of the switch', () => {
    const machine = plan('bond1=802.3ad:virtio', 'eth1=virtio');
    assert.equal(findCard(machine, 'eth1').model, 'virtio');
    for (const name of ['k0', 'sw0p0', 'bond1']) {
      assert.throws(() => findCard(machine, name), /m1 has no card \S+; it has bond1p0, eth1$/);
    }
  });
});
