// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { ManifestsDirectory } from '../fixtures/manifests-directory.ts';
import { runProgram } from './run-program.ts';
import { type RunningProcess, startProcess } from './start-process.ts';

const program = fileURLToPath(new URL('../../cli/kubectl-macvtap.ts', import.meta.url));
/** The launcher that npm installs. It executes the program. */
const launcher = fileURLToPath(new URL('../../cli/launch.js', import.meta.url));
const nodes = await readFile(new URL('../fixtures/seed/nodes.yaml', import.meta.url), 'utf8');

/** Returns the hosts in test/fixtures/seed, and h4, which offers eth0 and has this many held devices. */
function files(held: number, health = 'Healthy') {
  const [eth0, rest] = ['name: eth0\n', '\n'];
  const resources = `  resources: [{${eth0.trim()}, parent: eth0, mode: bridge, source: implicit, quantity: 100, held: ${held}, health: ${health}}]`;
  return { 'nodes.yaml': nodes, 'h4.yaml': `${node('h4')}---\n${state('h4')}${resources}${rest}` };
}

const node = (name: string) => `apiVersion: v1\nkind: Node\nmetadata: { name: ${name} }\n`;
const state = (name: string) =>
  `apiVersion: macvtap.network.kubevirt.io/v1alpha1\nkind: MacvtapNetworkNodeState\nmetadata: { name: ${name} }\nstatus:\n  source: implicit\n`;

describe('the status command', () => {
  it('prints nodes with held devices, as a table, JSON and YAML', async () => {
    await using directory = await ManifestsDirectory.make(files(3));
    const status = (...flags: readonly string[]) =>
      runProgram('cli/kubectl-macvtap.ts', ['status', `--source=manifests:${directory.path}`, ...flags]);
    const [table, json, yaml] = await Promise.all([status(), status('-ojson'), status('-o', 'yaml')]);
    assert.deepEqual([table.code, table.stderr], [0, '']);
    assert.match(table.stdout, /^h4 {4}eth0 {6}eth0 {4}bridge {2}3\/100 {2}Healthy {2}implicit$/m);
    assert.deepEqual(
      JSON.parse(json.stdout).nodes.map((one: { name: string }) => one.name),
      ['h1', 'h2', 'h3', 'h4'],
    );
    assert.deepEqual(parse(yaml.stdout), JSON.parse(json.stdout));
  });

  it('shows one node, with the policies that select it', async () => {
    const policy = await readFile(new URL('../fixtures/seed/node-centric/policy.yaml', import.meta.url), 'utf8');
    await using directory = await ManifestsDirectory.make({ ...files(3), 'p.yaml': policy });
    const status = (node: string) =>
      runProgram('cli/kubectl-macvtap.ts', [
        'status',
        `--node=${node}`,
        `--source=manifests:${directory.path}`,
        '-ojson',
      ]);
    const [one, other, none] = await Promise.all([status('h4'), status('h1'), status('h44')]);
    const [four, first] = [one, other].map(({ stdout }) => JSON.parse(stdout));
    assert.deepEqual([four.nodes.length, four.nodes[0].resources[0].held, four.policies], [1, 3, []]);
    assert.deepEqual([first.nodes[0].name, first.policies[0].name], ['h1', 'macvtap-cni/policy-1']);
    assert.deepEqual([none.code, none.stdout], [2, '']);
    assert.match(none.stderr, /--node h44: no such Node in .*; did you mean h4/);
  });

  it('follows with --watch, prints changes as lines, and exits with 0 at an interrupt', async () => {
    await using directory = await ManifestsDirectory.make(files(3));
    await using watching = start(['status', '--watch', `--source=manifests:${directory.path}`]);
    await watching.waitForLine(/^node h4: eth0: eth0 bridge 3\/100 Healthy$/);
    await directory.write('h4.yaml', files(4, 'Degraded')['h4.yaml']);
    await watching.waitForLine(/^node h4: eth0: eth0 bridge 4\/100 Degraded$/);
    const edited = files(4)['h4.yaml'].replace(
      'held: 4',
      'held: 4, heldElsewhere: [{ parent: eth1, mode: vepa, held: 3 }]',
    );
    await directory.write('h4.yaml', edited);
    await watching.waitForLine(/^node h4: eth0: eth0 bridge 1\/100 Healthy, 3 still on eth1 vepa$/);
    await directory.write('h4.yaml', node('h4'));
    await watching.waitForLine(/^node h4: eth0: gone$/);
    assert.equal(watching.output.match(/node h1: no resources/g)?.length, 1, watching.output);
    watching.signal('SIGINT');
    assert.deepEqual(await watching.exit, { code: 0, signal: null });
  });

  it('redraws a terminal, in colors unless NO_COLOR is set, and clears nothing at an interrupt', async () => {
    for (const environment of [{}, { NO_COLOR: '1' }]) {
      await using directory = await ManifestsDirectory.make(files(3, 'Unhealthy'));
      // The shell executes the program without a fork, so that only the program gets the interrupt.
      const command = `exec ${process.execPath} ${launcher} status --watch --source=manifests:${directory.path}`;
      await using watching = startProcess({
        name: 'status',
        command: ['script', '--quiet', '--return', '--command', command, '/dev/null'],
        environment: { TERM: 'xterm-256color', ...environment },
        hasInput: true,
      });
      await watching.waitForLine(/3\/100/);
      await directory.write('h4.yaml', files(4, 'Unhealthy')['h4.yaml']);
      const line = await watching.waitForLine(/4\/100/);
      assert.equal(line.includes('\u001b[31mUnhealthy'), !('NO_COLOR' in environment), line);
      assert.ok(watching.output.split('\u001b[?7l\u001b[H').length > 2);
      watching.write('\u0003');
      assert.deepEqual(await watching.exit, { code: 0, signal: null });
      assert.equal(watching.output.split('\u001b[?7h').length, watching.output.split('\u001b[?7l').length);
    }
  });

  it('ends when its reader has ended', async () => {
    await using directory = await ManifestsDirectory.make(files(3));
    const command = `${process.execPath} ${program} status --watch -ojson --source=manifests:${directory.path} | head -1; echo "ended $\{PIPESTATUS[0]}"`;
    await using watching = startProcess({ name: 'status', command: ['bash', '-c', command] });
    await watching.waitForLine(/"h4"/);
    await directory.write('h4.yaml', files(4)['h4.yaml']);
    await watching.waitForLine(/^ended 0$/);
  });
});

function start(flags: readonly string[]): RunningProcess {
  return startProcess({ name: 'status', command: [process.execPath, program, ...flags] });
}
