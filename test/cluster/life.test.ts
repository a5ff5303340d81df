// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../process/until.ts';
import { bringDown, findRemains } from './bring-down.ts';
import { claimCluster, ofThisClaim } from './claim-cluster.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { membersOf } from './control-groups.ts';
import { nodeFolder, nodeGroup } from './layout.ts';
import { runPod } from './pods.ts';
import { logFile } from './start-daemon.ts';

const main = fileURLToPath(new URL('main.ts', import.meta.url));
const guardMs = 120_000;

/** Runs `npm run cluster -- up`, and kills it with all its processes once kubelet of a node runs. */
async function killedRun(): Promise<void> {
  await claimCluster('a run of tests', { takesKept: false });
  await bringDown();
  const env = { ...process.env, ...ofThisClaim() };
  const running = spawn(process.execPath, [main, 'up', '--bare'], { stdio: 'ignore', env });
  await until(
    async () => existsSync(logFile('h2-kubelet')) || running.exitCode !== null,
    (isFar) => isFar,
    guardMs,
  );
  assert.equal(running.exitCode, null, 'it was killed while it ran, and did not end by itself');
  running.kill('SIGKILL');
  await once(running, 'exit');
  assert.notDeepEqual(await findRemains(), []);
}

await killedRun();
const cluster = await clusterOfFile([{ name: 'first', labels: {}, interfaces: ['eth0'] }]);
const nodeNames = async () => (await cluster.nodes()).map(({ name }) => name);

/** Runs `npm run cluster` outside of the tests' claim. */
async function runMain(argv: readonly string[], env: NodeJS.ProcessEnv) {
  const running = spawn(process.execPath, [main, ...argv], { stdio: ['ignore', 'ignore', 'pipe'], env });
  const [stderr, [code]] = await Promise.all([text(running.stderr), once(running, 'exit')]);
  return { code, stderr };
}

/** Processes are left out, because their number changes by itself. */
const remains = async () => (await findRemains()).filter((remain) => !remain.startsWith('process'));

describe('a cluster', () => {
  it("that tests use is neither replaced nor ended by another process, which gets an error with the user's name", async () => {
    const before = await nodeNames();
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    for (const command of ['up', 'down']) {
      const { code, stderr } = await runMain([command], env);
      assert.equal(code, 1);
      assert.match(stderr, /the test cluster is in use by a run of tests, process \d+, since \d{4}-\S+: wait until/);
    }
    assert.deepEqual(await nodeNames(), before);
  });

  let before: readonly string[] = [];

  it('comes up after an earlier one was killed during its start, and contains nothing of that one', async () => {
    assert.deepEqual(await nodeNames(), ['first']);
    assert.deepEqual(membersOf(nodeGroup('h1')), []);
    await runPod(cluster, { name: 'on-first', node: 'first' });
  });

  it('accepts a further node, which runs pods, and refuses a node whose name exists', async () => {
    before = await remains();
    await cluster.addNode({ name: 'second', labels: { zone: 'a' }, interfaces: ['eth0', 'ens1'] });
    await cluster.untilReady();
    assert.deepEqual(await nodeNames(), ['first', 'second']);
    await runPod(cluster, { name: 'on-second', node: 'second' });
    await assert.rejects(cluster.addNode({ name: 'second', labels: {}, interfaces: [] }), /this node exists already/);
  });

  it('loses a removed node with all its processes, control groups, links and files', async () => {
    assert.notDeepEqual(membersOf(nodeGroup('second')), []);
    assert.notDeepEqual(await remains(), before);
    await cluster.removeNode('second');
    assert.deepEqual([membersOf(nodeGroup('second')), existsSync(nodeFolder('second'))], [[], false]);
    assert.deepEqual(await remains(), before);
    assert.equal((await cluster.kubectl(['get', 'node', 'second'])).code, 1);
    await runPod(cluster, { name: 'still', node: 'first' });
  });

  it('leaves nothing on the machine when it is taken down, even if pods ran', async () => {
    await bringDown();
    assert.deepEqual(await findRemains(), []);
    await bringDown();
  });
});
