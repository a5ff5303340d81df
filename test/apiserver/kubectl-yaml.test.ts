// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { kubectlScalars } from '../fixtures/kubectl-scalars.ts';
import { clusterOfFile } from './cluster-of-file.ts';

const cluster = await clusterOfFile();

it('kubectl reads YAML in the same way as the manifest source', async () => {
  const lines = ['apiVersion: v1', 'kind: ConfigMap', 'metadata: { name: scalars }', 'values:'];
  const text = [...lines, ...kubectlScalars.map(([written]) => `  - ${written}`)].join('\n');
  const command = ['create', '--dry-run=client', '--validate=false', '-o', 'json', '-f', '-'];
  const { code, stdout, stderr } = await cluster.kubectl(command, text);
  assert.equal(code, 0, stderr);
  assert.deepEqual(
    JSON.parse(stdout).values,
    kubectlScalars.map(([, value]) => value),
  );
});
