// SPDX-License-Identifier: Apache-2.0
// Tests the answers when a part of the webhook is broken: here, the snapshot and the offers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyNamespace } from '../../test/fixtures/plan/build-example.ts';
import { stageReviews } from '../../test/fixtures/webhook/review-stage.ts';

const source = {
  synced: true,
  get snapshot(): never {
    throw new TypeError('a bug');
  },
};

const annotations = { 'k8s.v1.cni.cncf.io/networks': 'net' };
const objects = {
  NetworkAttachmentDefinition: { metadata: { name: 'net' }, spec: { config: '{"type":"macvtap"}' } },
  Pod: { metadata: { name: 'vm', annotations }, spec: { containers: [{}] } },
  MacvtapNetworkNodePolicy: { metadata: { name: 'p' }, spec: { parentSelector: [{ parentIface: 'eth1' }] } },
} as const;

for (const [kind, object] of Object.entries(objects) as [keyof typeof objects, object][]) {
  for (const verb of ['mutate', 'validate'] as const) {
    const passes = kind === 'Pod' && verb === 'mutate';
    test(`a bug in ${verb} of a ${kind} ${passes ? 'lets it pass with a warning' : 'refuses it with a code'}`, async () => {
      const { review, events } = stageReviews({ source });
      const answer = await review(verb, kind, { namespace: policyNamespace, object });
      assert.deepEqual([answer.allowed, answer.patch], [passes, undefined]);
      assert.match(passes ? (answer.warnings?.[0] ?? '') : (answer.status?.message ?? ''), /^Unexpected: .*a bug/);
      assert.equal(events[0], `bug ${kind} ${verb}`);
    });
  }
}
