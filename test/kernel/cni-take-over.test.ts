// SPDX-License-Identifier: Apache-2.0
// Kills the CNI server at every step of an ADD. The device's link is still in an earlier sandbox, which was lost
// without a DEL.
import assert from 'node:assert/strict';
import { lstat } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type FaultPointName, faultPoints } from '../../runtime/fault-points.ts';
import { startProcess } from '../process/start-process.ts';
import { callPlugin, makeBareNode } from './cni-node.ts';
import { openCNIPlugin } from './cni-plugin.ts';
import { makeNetworkNamespace, needsRoot } from './network-namespace.ts';
import { runInNamespace } from './run-in-namespace.ts';
import { readTapOwner } from './tap-owner.ts';

const { here } = await runInNamespace(import.meta.filename);
const options = { skip: needsRoot, timeout: 180_000 };
const device = 'netMvp0';
const conf = { deviceID: device };
const program = fileURLToPath(new URL('./cni-program.ts', import.meta.url));

const points: readonly FaultPointName[] = [
  ...(Object.keys(faultPoints) as FaultPointName[]).filter((name) => name.startsWith('cni-add-')),
  'ledger-before-write',
  'file-after-rename',
  'ledger-after-write',
];

/** The runtime's next calls: an ADD of the sandbox `adds`, in some cases after a DEL of the sandbox `dels`. */
const recoveries = [
  { title: 'the same ADD', adds: 'second' },
  { title: 'the ADD of a third sandbox', adds: 'third' },
  { title: 'its DEL and the ADD of a third sandbox', dels: 'second', adds: 'third' },
  { title: 'the late DEL of the first sandbox and the same ADD', dels: 'first', adds: 'second' },
] as const;

function start({ name, directory }: { readonly name: string; readonly directory: string }, fault = '') {
  const command = [process.execPath, program, directory, name] as const;
  return startProcess({ name: 'the CNI server', command: [...command], environment: { MACVTAP_TEST_FAULT: fault } });
}

for (const point of points) {
  for (const { title, adds, ...recovery } of recoveries) {
    test(
      `after a kill at ${point} of an ADD that takes a device from a lost sandbox, ${title} succeeds`,
      options,
      async () => {
        await using node = await makeBareNode(here);
        await using first = await makeNetworkNamespace();
        await using second = await makeNetworkNamespace();
        await using third = await makeNetworkNamespace();
        const sandboxes = { first, second, third };
        const call = async (command: string, containerID: keyof typeof sandboxes) => {
          const netns = sandboxes[containerID].path;
          const { exitCode, output } = await callPlugin(node.directory, command, { containerID, netns, conf });
          assert.equal(exitCode, 0, JSON.stringify(output));
        };
        const linksOf = async () => {
          const shown = Object.values(sandboxes).map((each) => each.ipJSON('link show type macvtap'));
          return (await Promise.all(shown)).map(({ length }) => length);
        };
        let tapPath = '';
        {
          await using plugin = await openCNIPlugin({ directory: node.directory, nodeName: node.name });
          tapPath = await plugin.allocate(device);
          await call('ADD', 'first');
        }
        await using armed = start(node, point);
        await armed.waitForLine(/^ready$/);
        await assert.rejects(call('ADD', 'second'));
        assert.equal((await armed.exit).signal, 'SIGKILL', armed.output);

        await using next = start(node);
        await next.waitForLine(/^ready$/);
        if ('dels' in recovery) await call('DEL', recovery.dels);
        await call('ADD', adds);
        const expected = adds === 'second' ? [0, 1, 0] : [0, 0, 1];
        assert.deepEqual(await linksOf(), expected);
        assert.equal((await readTapOwner(tapPath)).name, 'net1');
        await call('DEL', 'first');
        assert.deepEqual(await linksOf(), expected);
        await call('DEL', adds);
        assert.deepEqual(await linksOf(), [0, 0, 0]);
        await assert.rejects(lstat(tapPath), { code: 'ENOENT' });
      },
    );
  }
}
