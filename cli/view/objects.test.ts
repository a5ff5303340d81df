// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collectionPath, missingRight } from './objects.ts';

test('a missing right has the API group and the scope', () => {
  const rights = [
    collectionPath('nodes', 'passed-over'),
    collectionPath('pods'),
    collectionPath('pods', 'vms'),
    collectionPath('daemonsets', 'macvtap-cni'),
    `${collectionPath('network-attachment-definitions')}?limit=500`,
  ].map(missingRight);
  assert.deepEqual(rights, [
    'list nodes in the whole cluster',
    'list pods in the whole cluster',
    'list pods in the namespace vms',
    'list daemonsets.apps in the namespace macvtap-cni',
    'list network-attachment-definitions.k8s.cni.cncf.io in the whole cluster',
  ]);
});
