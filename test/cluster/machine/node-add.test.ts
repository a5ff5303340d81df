// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runProgram } from '../../process/run-program.ts';

const add = (...argv: readonly string[]) => runProgram('test/cluster/main.ts', ['node', 'add', 'm1', ...argv]);

describe('node add with wrong arguments', () => {
  for (const [argv, code, message] of [
    [['--nic', 'eth1=virtio'], 1, /--nic needs --machine: other nodes have veth pairs, by --interfaces$/],
    [
      ['--machine', '--nic', 'eth1=igb'],
      2,
      /--nic eth1=igb: igb is not a card; write one of virtio, e1000e, vmxnet3$/m,
    ],
    [['--machine', '--nic', 'eth1=virtio', '--nic', 'eth1=e1000e'], 1, /two NICs have the name eth1: choose another/],
  ] as const) {
    it(`${argv.join(' ')} ends with ${code} and what to write, before anything is changed`, async () => {
      const ended = await add(...argv);
      assert.equal(ended.code, code, ended.stderr);
      assert.match(ended.stderr.trimEnd(), message);
    });
  }
});
