// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readKubernetesEnvironment } from './environment.ts';

test('in a pod, the variables of the Service give the URL of the API server, with brackets for IPv6', () => {
  const serviceAt = (KUBERNETES_SERVICE_HOST: string) =>
    readKubernetesEnvironment({ KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT: '443' }).service;
  assert.deepEqual(['10.96.0.1', 'fd00::1'].map(serviceAt), ['https://10.96.0.1:443', 'https://[fd00::1]:443']);
});

test('outside a pod, or with empty variables, nothing is configured', () => {
  const nothing = { kubeconfig: undefined, service: undefined, home: undefined };
  assert.deepEqual(readKubernetesEnvironment({}), nothing);
  assert.deepEqual(
    readKubernetesEnvironment({ KUBECONFIG: '', HOME: '', KUBERNETES_SERVICE_HOST: '10.0.0.1' }),
    nothing,
  );
  assert.deepEqual(readKubernetesEnvironment({ KUBERNETES_SERVICE_HOST: '', KUBERNETES_SERVICE_PORT: '' }), nothing);
});
