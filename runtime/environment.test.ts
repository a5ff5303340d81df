// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readKubernetesEnvironment } from './environment.ts';

test('a pod finds its API server by the variables of the Service, an IPv6 address in brackets', () => {
  const serviceAt = (KUBERNETES_SERVICE_HOST: string) =>
    readKubernetesEnvironment({ KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT: '443' }).service;
  assert.deepEqual(['10.96.0.1', 'fd00::1'].map(serviceAt), ['https://10.96.0.1:443', 'https://[fd00::1]:443']);
});

test('the environment outside a pod, or with empty variables, configures nothing', () => {
  const nothing = { kubeconfig: undefined, service: undefined };
  assert.deepEqual(readKubernetesEnvironment({}), nothing);
  assert.deepEqual(readKubernetesEnvironment({ KUBECONFIG: '', KUBERNETES_SERVICE_HOST: '10.0.0.1' }), nothing);
  assert.deepEqual(readKubernetesEnvironment({ KUBERNETES_SERVICE_HOST: '', KUBERNETES_SERVICE_PORT: '' }), nothing);
});
