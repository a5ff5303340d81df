// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pod } from '../../test/fixtures/why/build-facts.ts';
import { recreatePod } from './suggested-commands.ts';

test('a pod with an owner is recreated by the owner', () => {
  assert.equal(
    recreatePod(pod({ owner: { kind: 'VirtualMachineInstance', name: 'web' } })),
    'virtctl restart web -n default',
  );
  assert.equal(recreatePod(pod({ owner: { kind: 'ReplicaSet', name: 'rs' } })), 'kubectl delete pod vm -n default');
});

test('a bare pod is replaced, without its nodeName', () => {
  assert.equal(
    recreatePod(pod(), { annotation: 'a/b=c d' }),
    "kubectl get pod vm -n default -o yaml | kubectl annotate --local -f - --overwrite 'a/b=c d' -o yaml | " +
      "sed -e '/^  nodeName: /d' | kubectl replace --force -f -",
  );
});
