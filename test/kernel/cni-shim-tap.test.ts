// SPDX-License-Identifier: Apache-2.0
// Tests that the shim, which runs as root, changes the owner of a real tap, and of no other file.
import assert from 'node:assert/strict';
import { lstat, mkdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { decodeFrame, encodeFrame, type TapOwnership } from '../../nodeplugin/cni/shim/frame.ts';
import { deviceIfindex } from '../../policy/device/device-id.ts';
import { makeBareNode } from './cni-node.ts';
import { openCNIPlugin } from './cni-plugin.ts';
import { makeNetworkNamespace, needsRoot } from './network-namespace.ts';
import { runInNamespace } from './run-in-namespace.ts';
import { assertEnd, assertError, callOf } from './shim-calls.ts';
import { answer, makeShimPeer } from './shim-peer.ts';
import { type InstalledShim, makeShim, needsShim, variants } from './shim-program.ts';
import { readTapOwner } from './tap-owner.ts';

const { here } = await runInNamespace(import.meta.filename);

/**
 * All network namespaces share one /dev. No device of a node plugin and no other process of these tests uses these
 * indexes.
 */
let lastIndex = 0x2000_0000 + process.pid * 0x100;

/** Makes a real tap, whose device node belongs to root. */
async function makeTap() {
  lastIndex += 1;
  const ifindex = lastIndex;
  await using undo = new AsyncDisposableStack();
  undo.use(await makeBareNode(here));
  await here.ip(`link add link p0 name tap-test index ${ifindex} type macvtap mode bridge`);
  undo.defer(async () => void (await here.ip('link del tap-test').catch(() => undefined)));
  const path = `/dev/tap${ifindex}`;
  const { rdev } = await lstat(path);
  const scope = undo.move();
  return {
    path,
    // Encoded as in sys/sysmacros.h, for small numbers.
    own: { ifindex, major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00), uid: 107, gid: 108 },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

/** Runs one ADD in which the shim must change the owner of each tap. Returns its replies and its exit. */
async function askToOwn(shim: InstalledShim, ...taps: readonly TapOwnership[]) {
  const replies: unknown[] = [];
  await using _ = await makeShimPeer(shim.socketPath, async (socket, next) => {
    await next();
    for (const tap of taps) {
      socket.write(encodeFrame({ type: 'own', ...tap }));
      replies.push(decodeFrame(await next()));
    }
    socket.end(answer(0, 'added'));
  });
  return { end: await shim.run(callOf('ADD')), replies };
}

const owned = (errno: number, step: string) => ({ type: 'owned', errno, step });
const [ENOENT, ENXIO] = [2, 6];

async function ownershipOf(path: string): Promise<readonly number[]> {
  const { uid, gid, mode } = await lstat(path);
  return [uid, gid, mode & 0o7777];
}

for (const variant of variants) {
  const check = (title: string, run: (shim: InstalledShim) => Promise<void>) =>
    test(`${variant}: ${title}`, { skip: needsRoot || needsShim[variant] }, async () => {
      await using shim = await makeShim(variant);
      await run(shim);
    });

  check('the owner of a tap is changed as often as requested', async (shim) => {
    await using tap = await makeTap();
    for (const [uid, gid] of [
      [107, 108],
      [107, 108],
      [4_000_000_000, 0],
      [0, 0],
    ] as const) {
      const { end, replies } = await askToOwn(shim, { ...tap.own, uid, gid });
      assertEnd(end, 0, 'added');
      assert.deepEqual(replies, [owned(0, 'chown')]);
      assert.deepEqual(await ownershipOf(tap.path), [uid, gid, 0o660]);
    }
    assert.equal((await readTapOwner(tap.path)).name, 'tap-test');
  });

  check('a device node with another device number does not change', async (shim) => {
    await using tap = await makeTap();
    const before = await ownershipOf(tap.path);
    for (const given of [
      { minor: tap.own.minor + 1 },
      { major: tap.own.major + 1 },
      { major: 0, minor: 0 },
      { major: 0xffff_ffff, minor: 0xffff_ffff },
    ]) {
      const { end, replies } = await askToOwn(shim, { ...tap.own, ...given });
      assertEnd(end, 0, 'added');
      assert.deepEqual(replies, [owned(ENXIO, 'device number')]);
    }
    assert.deepEqual(await ownershipOf(tap.path), before);
  });

  check('a symbolic link, a file, and a missing path are not taps', async (shim) => {
    await using tap = await makeTap();
    const before = await ownershipOf(tap.path);
    // The kernel allows no index above INT_MAX.
    const ifindex = 0x8000_0000 + tap.own.ifindex;
    const path = `/dev/tap${ifindex}`;
    const ask = async (given = {}) => (await askToOwn(shim, { ...tap.own, ifindex, ...given })).replies;
    try {
      assert.deepEqual(await ask(), [owned(ENOENT, 'open')]);
      await symlink(tap.path, path);
      assert.deepEqual(await ask(), [owned(ENXIO, 'device number')]);
      await rm(path);
      await writeFile(path, '', { mode: 0o600 });
      assert.deepEqual(await ask(), [owned(ENXIO, 'device number')]);
      // A request with the device number of a regular file, 0:0.
      assert.deepEqual(await ask({ major: 0, minor: 0 }), [owned(ENXIO, 'device number')]);
      assert.deepEqual(await ownershipOf(path), [0, 0, 0o600]);
    } finally {
      await rm(path, { force: true });
    }
    assert.deepEqual(await ownershipOf(tap.path), before);
  });

  check('the owner of a tap is changed only in an ADD, and only for one tap', async (shim) => {
    await using tap = await makeTap();
    const before = await ownershipOf(tap.path);
    for (const command of ['CHECK', 'DEL', 'GC', 'STATUS', 'add']) {
      await using _ = await makeShimPeer(shim.socketPath, async (socket, next) => {
        await next();
        socket.end(encodeFrame({ type: 'own', ...tap.own }));
      });
      await shim.run(callOf(command));
      assert.deepEqual(await ownershipOf(tap.path), before, command);
    }
    const { end, replies } = await askToOwn(shim, tap.own, { ...tap.own, uid: 1, gid: 1 });
    assertError(end, 11, /its answer is not of this CNI plugin's version/);
    assert.deepEqual(replies, [owned(0, 'chown')]);
    assert.deepEqual(await ownershipOf(tap.path), [107, 108, 0o660]);
  });

  check('a frame of type own that is too short or too long is invalid', async (shim) => {
    await using tap = await makeTap();
    const frame = Buffer.from(encodeFrame({ type: 'own', ...tap.own }));
    for (const length of [0, 4, 19, 21]) {
      const bytes = Buffer.concat([frame, Buffer.alloc(4)]).subarray(0, 12 + length);
      bytes.writeUInt32BE(length, 8);
      await using _ = await makeShimPeer(shim.socketPath, async (socket, next) => {
        await next();
        socket.end(bytes);
      });
      assertError(await shim.run(callOf('ADD')), 11, /its answer is not/);
    }
    assert.deepEqual((await ownershipOf(tap.path)).slice(0, 2), [0, 0]);
  });

  check(
    'if the node plugin dies before or after the owner of a tap was changed, that is reported with code 11',
    async (shim) => {
      await using tap = await makeTap();
      for (const isRead of [true, false]) {
        await using _ = await makeShimPeer(shim.socketPath, async (socket, next) => {
          await next();
          socket.write(encodeFrame({ type: 'own', ...tap.own }));
          if (isRead) await next();
          socket.destroy();
        });
        assertError(await shim.run(callOf('ADD')), 11, /Connection reset by peer|Broken pipe/);
      }
    },
  );

  check("with the node plugin: ADD makes the link and changes the tap's owner, and DEL removes both", async (shim) => {
    await using node = await makeBareNode(here);
    await mkdir(shim.directory);
    const open = () => openCNIPlugin({ directory: shim.directory, nodeName: node.name });
    const call = (command: string, netns: string) => ({
      ...callOf(command, { CNI_NETNS: netns }),
      stdin: JSON.stringify({ cniVersion: '1.0.0', name: 'blue', type: 'macvtap', deviceID: 'netMvp0' }),
    });
    const tapPath = `/dev/tap${deviceIfindex(node.name, 'netMvp0')}`;
    await using pod = await makeNetworkNamespace();
    {
      await using plugin = await open();
      assert.equal(await plugin.allocate('netMvp0'), tapPath);
      const end = await shim.run(call('ADD', pod.path));
      assertEnd(end, 0, end.stdout);
      assert.equal(JSON.parse(end.stdout).interfaces[0].name, 'net1');
      assert.deepEqual(await ownershipOf(tapPath), [107, 107, 0o660]);
      assert.equal((await readTapOwner(tapPath)).name, 'net1');
      assertEnd(await shim.run(call('CHECK', pod.path)), 0, '');
    }
    // The node plugin is down. The shim leaves a pending DEL, which the next node plugin processes before it serves
    // requests.
    assertEnd(await shim.run(call('DEL', pod.path)), 0, '');
    assert.ok(await stat(tapPath));
    await using again = await open();
    await assert.rejects(stat(tapPath), { code: 'ENOENT' });
    assert.equal(again.ledger.get('netMvp0')?.attachment, undefined);
    assertEnd(await shim.run(call('DEL', pod.path)), 0, '');
  });
}
