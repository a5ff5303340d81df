// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { chartFolder, helms, runHelm } from './run-helm.ts';

const versions = { '1.29.15': false, '1.30.0': true, '1.30.2-gke.100': true, '1.34.4+k3s1': true } as const;

for (const helm of helms) {
  for (const [version, isTaken] of Object.entries(versions)) {
    it(`${helm} ${isTaken ? 'accepts' : 'refuses'} Kubernetes ${version}`, () => {
      const { code, stderr } = runHelm(helm, ['template', 'x', chartFolder, '--kube-version', version]);
      assert.equal(code, isTaken ? 0 : 1, stderr);
      if (!isTaken) assert.match(stderr, /requires kubeVersion: >=1\.30\.0-0/);
    });
  }
}
