// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decideLink, type ExistingLink } from './decide-link.ts';

const wanted = { name: 'mvt0123456789ab', ifindex: 0x4000_0001, parentIfindex: 2, mode: 'bridge' } as const;
const placeholder: ExistingLink = { ...wanted, kind: 'macvtap', macvtapMode: 'bridge', up: false };
const other: ExistingLink = { ...placeholder, name: 'mvtba9876543210' };
const moved: ExistingLink = { ...placeholder, ifindex: 77 };
const stranger: ExistingLink = { name: 'eth7', ifindex: wanted.ifindex, kind: 'device', up: true };

const table: readonly {
  title: string;
  byName?: ExistingLink;
  byIfindex?: ExistingLink;
  decision: ReturnType<typeof decideLink>;
}[] = [
  { title: 'there is no link', decision: { action: 'create' } },
  { title: 'the placeholder fits', byName: placeholder, byIfindex: placeholder, decision: { action: 'reuse' } },
  ...[
    { ...placeholder, parentIfindex: 3 },
    { ...placeholder, macvtapMode: 'vepa' },
    { ...placeholder, up: true },
  ].map((link) => ({
    title: `the placeholder has ${JSON.stringify(link)}`,
    byName: link,
    byIfindex: link,
    decision: { action: 'replace', remove: [link] } as const,
  })),
  {
    title: 'a link with the name has another index',
    byName: moved,
    decision: { action: 'replace', remove: [moved] },
  },
  {
    title: 'one unrelated link has the name and another one has the index (the decision contains the first one)',
    byName: { ...moved, kind: 'dummy' },
    byIfindex: stranger,
    decision: { action: 'refuse', holder: { ...moved, kind: 'dummy' } },
  },
  {
    title: 'a link that is not a macvtap has the index',
    byIfindex: stranger,
    decision: { action: 'refuse', holder: stranger },
  },
  {
    title: 'a macvtap that kube-macvtap did not create has the index',
    byIfindex: { ...placeholder, name: 'tap0' },
    decision: { action: 'refuse', holder: { ...placeholder, name: 'tap0' } },
  },
  {
    title: 'the link of another device has the index (a pod may be about to use it)',
    byIfindex: other,
    decision: { action: 'refuse', holder: other },
  },
  {
    title: 'a leftover of the device has the name, and the link of another device has the index',
    byName: moved,
    byIfindex: other,
    decision: { action: 'refuse', holder: other },
  },
  {
    title: 'a link that is not a macvtap has the name',
    byName: { ...placeholder, kind: 'dummy' },
    byIfindex: { ...placeholder, kind: 'dummy' },
    decision: { action: 'refuse', holder: { ...placeholder, kind: 'dummy' } },
  },
];

describe('the decision about a link', () => {
  for (const { title, byName, byIfindex, decision } of table) {
    it(`is ${decision.action} if ${title}`, () => {
      assert.deepEqual(decideLink(wanted, byName, byIfindex), decision);
    });
  }
});
