// SPDX-License-Identifier: Apache-2.0
// Tests the CNI shim, compiled and installed, with the node plugin's server, and with peers that behave as no node
// plugin does. Every test runs twice, the second time with the compiler's memory checks.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { version } from '../../nodeplugin/cni/handle-request.ts';
import { encodeFrame, frameHeaderLength, maxStdin, type RequestFrame } from '../../nodeplugin/cni/shim/frame.ts';
import { installShim } from '../../nodeplugin/cni/shim/install-shim.ts';
import { serveCNI } from '../../nodeplugin/cni/shim/server.ts';
import { cniVersions, newestCNIVersion } from '../../nodeplugin/cni/spec/cni-protocol.ts';
import { needsRoot } from './network-namespace.ts';
import { assertEnd, assertError, callOf, conf, pod } from './shim-calls.ts';
import { answer, type Behaviour, makeShimPeer } from './shim-peer.ts';
import { endOf, type InstalledShim, makeShim, needsShim, type ShimRun, variants } from './shim-program.ts';

for (const variant of variants) {
  const skip = needsShim[variant];
  const check = (
    title: string,
    run: (shim: InstalledShim) => Promise<void>,
    given: Parameters<typeof makeShim>[1] = {},
  ) =>
    test(`${variant}: ${title}`, { skip }, async () => {
      await using shim = await makeShim(variant, given);
      await run(shim);
    });
  const withPeer = async (shim: InstalledShim, behave: Behaviour, call: ShimRun) => {
    await using peer = await makeShimPeer(shim.socketPath, behave);
    return { end: await shim.run(call), received: peer.received };
  };

  check('the request is the specified frame, byte for byte, with only the variables that are set', async (shim) => {
    const stdin = Buffer.concat([Buffer.from(conf), Buffer.from([0, 255, 10])]);
    const most = Buffer.alloc(maxStdin, 'x');
    for (const { environment, stdin: given } of [
      { environment: { CNI_COMMAND: 'ADD', ...pod }, stdin },
      { environment: { CNI_COMMAND: 'ADD', ...pod, CNI_ARGS: '', CNI_NETNS: '' }, stdin },
      { environment: { CNI_COMMAND: 'STATUS' }, stdin: Buffer.alloc(0) },
      { environment: { CNI_COMMAND: 'ADD', ...pod, CNI_ARGS: 'ü'.repeat(30_000) }, stdin: most },
    ]) {
      const { end, received } = await withPeer(
        shim,
        async (socket, next) => {
          await next();
          socket.end(answer(0, 'done'));
        },
        { environment: { ...environment, CNI_NETNS_OVERRIDE: '1', PATH: '/x' }, stdin: given },
      );
      assertEnd(end, 0, 'done');
      const frame = encodeFrame({ type: 'request', environment: new Map(Object.entries(environment)), stdin: given });
      assert.ok(received[0]?.equals(frame));
    }
  });

  check('64 KiB of variables and 1 MiB of input are passed on, and one more byte is refused', async (shim) => {
    const fixed = Object.entries({ CNI_COMMAND: 'ADD', ...pod, CNI_ARGS: '' }).map(
      ([key, value]) => `${key}=${value}\0`,
    );
    const room = 64 * 1024 - fixed.join('').length;
    const run = (args: number, stdin: number) =>
      withPeer(
        shim,
        async (socket, next) => {
          await next();
          socket.end(answer(0));
        },
        { ...callOf('ADD', { CNI_ARGS: 'x'.repeat(args) }), stdin: Buffer.alloc(stdin, ' ') },
      );
    assertEnd((await run(room, maxStdin)).end, 0, '');
    assertError((await run(room + 1, 10)).end, 5, /CNI_\* \(up to 64 KiB\).*Argument list too long/, '1.1.0');
    assertError((await run(room, maxStdin + 1)).end, 5, /1 MiB\): File too large/, '1.1.0');
    assertError((await run(10, 3 * maxStdin)).end, 5, /1 MiB\): File too large/, '1.1.0');
    assertError((await run(120_000, maxStdin)).end, 5, /Argument list too long/, '1.1.0');
  });

  check("the answer is printed unchanged, and its exit code becomes the shim's", async (shim) => {
    for (const [exitCode, output] of [
      [0, '{"cniVersion":"1.0.0"}'],
      [1, '{"code":7,"msg":"ü \\" \\n"}'],
      [0, ''],
      [255, 'x'.repeat(2 * maxStdin)],
    ] as const) {
      const behave: Behaviour = async (socket, next) => {
        await next();
        socket.end(answer(exitCode, output));
      };
      assertEnd((await withPeer(shim, behave, callOf('ADD'))).end, exitCode, output);
    }
  });

  check('an answer is accepted if it arrives byte by byte, or if more bytes follow', async (shim) => {
    const behave: Behaviour = async (socket, next) => {
      await next();
      for (const byte of answer(3, '{}')) {
        socket.write(Buffer.from([byte]));
        await new Promise(setImmediate);
      }
      socket.end('more');
    };
    assertEnd((await withPeer(shim, behave, callOf('ADD'))).end, 3, '{}');
  });

  check('an answer that comes before the request was read is accepted', async (shim) => {
    const behave: Behaviour = (socket) => {
      socket.end(answer(1, 'refused'), () => socket.destroy());
    };
    const call = { ...callOf('ADD'), stdin: Buffer.alloc(maxStdin) };
    assertEnd((await withPeer(shim, behave, call)).end, 1, 'refused');
  });

  check('VERSION is answered without the node plugin, in the requested version', async (shim) => {
    for (const asked of [
      ...cniVersions.map((known) => `{"cniVersion":"${known}"}`),
      '{ "name": "x",\n "cniVersion" :\t"0.4.0" }',
      '{"cniVersion":"9.9.9"}',
      '{"cniVersion":"1.0.00"}',
      '{"cniVersion":1}',
      '{"cniVersion":""}',
      '{"cniVersion"',
      // Strings that occur in the text of the shim's version list, but are not versions.
      '{"cniVersion":.3.0","',
      '{"cniVersion":0.3.0","',
      '{"cniVersion":","0.3.1',
      '',
      'nonsense',
    ]) {
      const end = await shim.run({ environment: { CNI_COMMAND: 'VERSION' }, stdin: asked });
      assertEnd(end, 0, end.stdout);
      assert.deepEqual(JSON.parse(end.stdout), version(Buffer.from(asked)), asked);
    }
  });

  check('without CNI_COMMAND, the shim prints an error and does not connect to the node plugin', async (shim) => {
    const { end, received } = await withPeer(shim, () => {}, { environment: pod, stdin: conf });
    assertError(end, 4, /CNI_COMMAND is missing/, newestCNIVersion);
    assert.deepEqual(received, []);
  });

  check(
    'if the node plugin is down, the shim prints an error in JSON, with the code that fits the command',
    async (shim) => {
      for (const [command, code] of [
        ['ADD', 11],
        ['CHECK', 11],
        ['GC', 11],
        ['STATUS', 50],
        ['', 11],
        ['A"D\\D\n\u0001ü', 11],
        ['x'.repeat(60_000), 11],
      ] as const) {
        const text = /: no answer from the node plugin at \/.*\/run\/cni.sock: No such file or directory; see whether/;
        assertError(await shim.run(callOf(command)), code, text);
      }
      // A killed node plugin leaves its socket behind.
      await (await listenAndHang(shim))[Symbol.asyncDispose]();
      assertError(await shim.run(callOf('ADD')), 11, /: Connection refused; see whether/);
    },
  );

  const half = answer(0, '{"cniVersion":"1.0.0"}').subarray(0, 20);
  const header = (bytes: readonly number[], length: number) => {
    const made = Buffer.alloc(frameHeaderLength);
    made.set([...Buffer.from('KMVT'), ...bytes]);
    made.writeUInt32BE(length, 8);
    return made;
  };
  const own = encodeFrame({ type: 'own', ifindex: 0xffff_fff0, major: 1, minor: 3, uid: 107, gid: 107 });
  const otherLanguage = /its answer is not of this CNI plugin's version/;
  const ended = /Connection reset by peer|Broken pipe/;
  for (const [title, bytes, message] of [
    ['sends nothing', '', ended],
    ['ends inside the header', half.subarray(0, 7), ended],
    ['ends inside the body', half, ended],
    ['does not begin with KMVT', 'HTTP/1.1 400 Bad Request\r\n\r\n', otherLanguage],
    ['has another protocol version', header([2, 4], 4), otherLanguage],
    ['sends a request', header([1, 1], 4), otherLanguage],
    ['sends a frame that only the shim sends', header([1, 3], 4), otherLanguage],
    ['sends a frame of an unknown type', header([1, 9], 4), otherLanguage],
    ['sends an answer without an exit code', header([1, 4], 3), otherLanguage],
    ['announces an answer of 4 GiB', header([1, 4], 0xffff_ffff), otherLanguage],
    ['announces one byte more than an answer may have', header([1, 4], 5 + 2 * maxStdin), otherLanguage],
    ['sends an exit code that is out of range', answer(256), otherLanguage],
    ['sends an exit code below zero', answer(-1 >>> 0), otherLanguage],
    ['requests a new owner of a tap outside an ADD', own, otherLanguage],
  ] as const) {
    check(`a node plugin that ${title} counts as unanswered: code 11, and for a DEL a stored request`, async (shim) => {
      const behave: Behaviour = async (socket, next) => {
        await next();
        socket.end(bytes);
      };
      assertError((await withPeer(shim, behave, callOf('CHECK'))).end, 11, message);
      const { end, received } = await withPeer(shim, behave, callOf('DEL'));
      assertEnd(end, 0, '');
      assert.deepEqual(await readFile(`${shim.tombstones}/c1:net1`), received[0]);
    });
  }

  const stalls: readonly (readonly [string, Behaviour])[] = [
    ['never answers', () => {}],
    ['never reads', (socket) => void socket.pause()],
    [
      'stops in the middle of its answer',
      async (socket, next) => {
        await next();
        socket.write(half);
      },
    ],
    [
      'never ends its answer',
      async (socket, next) => {
        await next();
        socket.write(answer(0, 'x'.repeat(1000)).subarray(0, -1000));
        const more = setInterval(() => void socket.write('x'), 50);
        socket.once('close', () => clearInterval(more));
      },
    ],
  ];
  for (const [title, behave] of stalls) {
    check(
      `a node plugin that ${title} times out`,
      async (shim) => {
        const big = { stdin: Buffer.alloc(maxStdin, ' ') };
        const error = (await withPeer(shim, behave, { ...callOf('ADD'), ...big })).end;
        assertError(error, 11, /Operation timed out|Connection timed out/, newestCNIVersion);
        assertEnd((await withPeer(shim, behave, callOf('DEL'))).end, 0, '');
        assert.ok(await readFile(`${shim.tombstones}/c1:net1`));
      },
      { timeoutMs: 400 },
    );
  }

  check(
    'input that never ends, and output that is not read, time out',
    async (shim) => {
      const endless = shim.start({ ...callOf('ADD'), stdin: undefined });
      assertError(await endOf(endless), 5, /timed out/, newestCNIVersion);
      await using _ = await makeShimPeer(shim.socketPath, async (socket, next) => {
        await next();
        socket.end(answer(0, 'x'.repeat(maxStdin)));
      });
      const unread = shim.start(callOf('ADD'));
      assert.deepEqual(await once(unread, 'exit'), [1, null]);
      unread.stdout?.destroy();
      unread.stderr?.destroy();
    },
    { timeoutMs: 400 },
  );

  check(
    'every shim times out if the node plugin hangs with a full queue',
    async (shim) => {
      await using hung = await listenAndHang(shim);
      const calls = Array.from({ length: 6 }, (_, i) => callOf(i % 2 === 0 ? 'ADD' : 'DEL', { CNI_IFNAME: `net${i}` }));
      const ends = await Promise.all(calls.map((call) => shim.run(call)));
      for (const [i, end] of ends.entries()) {
        if (i % 2 === 0) assertError(end, 11, /timed out/);
        else assertEnd(end, 0, '');
      }
      assert.ok(hung.pid);
    },
    { timeoutMs: 400 },
  );

  check('after a node plugin hung for a while, it answers the waiting shims', async (shim) => {
    await using hung = await listenAndHang(shim);
    const waiting = Array.from({ length: 6 }, () => shim.run(callOf('CHECK')));
    process.kill(hung.pid, 'SIGCONT');
    for (const end of await Promise.all(waiting)) assertEnd(end, 0, 'late');
  });

  check('the shim ends normally if its output has no reader or its descriptors are closed', async (shim) => {
    await using _ = await makeShimPeer(shim.socketPath, async (socket, next) => {
      await next();
      if (unread?.exitCode === null) unread.stdout?.destroy();
      socket.end(answer(0, '{}'));
    });
    const unread = shim.start(callOf('ADD'));
    assert.deepEqual(await once(unread, 'exit'), [1, null]);
    for (const closing of ['<&-', '>&-', '2>&-', '<&- >&- 2>&-']) {
      const end = await shim.run({ ...callOf('ADD'), shell: `exec "$0" ${closing}` });
      assertEnd(end, 0, closing.includes('>&-') && closing !== '2>&-' ? '' : '{}');
    }
    assertEnd(await shim.run({ ...callOf('ADD'), shell: 'exec "$0" < /dev/null' }), 0, '{}');
  });

  check('a running shim continues when its file is replaced', async (shim) => {
    const { promise: installed, resolve } = Promise.withResolvers<void>();
    await using _ = await makeShimPeer(shim.socketPath, async (socket, next) => {
      await next();
      await installed;
      socket.end(answer(0, 'old'));
    });
    const running = shim.start(callOf('ADD'));
    const elsewhere = `${shim.directory}/other/cni.sock`;
    await using _other = await makeShimPeer(elsewhere, (socket) => void socket.end(answer(0, 'new')));
    const directory = dirname(shim.program);
    const call = { binary: shim.program, directory, socketPath: elsewhere };
    assert.equal(await installShim(call), 'installed');
    assert.equal(await installShim(call), 'unchanged');
    assertEnd(await shim.run(callOf('ADD')), 0, 'new');
    resolve();
    assertEnd(await endOf(running), 0, 'old');
  });

  check(
    'whatever the socket returns, the shim ends normally, with the answer or with an error in JSON',
    async (shim) => {
      const good = answer(0, '{"cniVersion":"1.0.0"}');
      let bytes: Buffer = Buffer.alloc(0);
      await using _ = await makeShimPeer(shim.socketPath, async (socket, next) => {
        await next();
        socket.end(bytes);
      });
      for (let round = 0; round < 150; round += 1) {
        bytes = garble(good, round);
        const end = await shim.run(callOf('CHECK'));
        const wanted = readAnswer(bytes);
        const context = bytes.toString('hex').slice(0, 400);
        assert.deepEqual([end.signal, end.stderr], [null, ''], context);
        if (wanted === undefined) assertError(end, 11, /./);
        else assert.deepEqual([end.exitCode, end.stdout], [wanted.exitCode, wanted.output], context);
      }
    },
  );

  test(`${variant}: the node plugin's own server answers one shim, and twenty at once`, {
    skip: skip || needsRoot,
  }, async () => {
    await using shim = await makeShim(variant);
    const handle = async ({ environment }: RequestFrame) => {
      await new Promise(setImmediate);
      return { type: 'answer', exitCode: 0, output: `for ${environment.get('CNI_IFNAME')}` } as const;
    };
    const failures: unknown[] = [];
    await using _ = await serveCNI({ path: shim.socketPath, handle, onFailure: (error) => failures.push(error) });
    assertEnd(await shim.run(callOf('ADD')), 0, 'for net1');
    const names = Array.from({ length: 20 }, (_, i) => `net${i}`);
    const ends = await Promise.all(names.map((name) => shim.run(callOf('ADD', { CNI_IFNAME: name }))));
    for (const [i, end] of ends.entries()) assertEnd(end, 0, `for ${names[i]}`);
    assert.deepEqual(failures, []);
  });

  test(`${variant}: while it waits, it has only the right to change owners of files`, {
    skip: skip || needsRoot,
  }, async () => {
    await using shim = await makeShim(variant);
    const rights: string[] = [];
    await using _ = await makeShimPeer(shim.socketPath, async (socket, next) => {
      await next();
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
      rights.push(...(status.match(/^Cap(Prm|Eff|Inh):.*$/gm) ?? []));
      socket.end(answer(0));
    });
    const child = shim.start(callOf('ADD'));
    assertEnd(await endOf(child), 0, '');
    assert.deepEqual(rights, ['CapInh:\t0000000000000000', 'CapPrm:\t0000000000000009', 'CapEff:\t0000000000000009']);
  });
}

test('the shim is a static program of at most 100 KB', { skip: needsShim.released }, async () => {
  await using shim = await makeShim('released');
  const program = await readFile(shim.program);
  assert.ok(program.length <= 100_000, `${program.length} bytes`);
  // PT_INTERP would name a loader: /lib/ld-….
  assert.ok(!program.includes('/lib/ld-'));
});

/**
 * Starts a listener with room for two connections in its queue, and stops its process. Once the process continues, it
 * answers every connection with `late`.
 */
async function listenAndHang(shim: InstalledShim): Promise<AsyncDisposable & { readonly pid: number }> {
  await mkdir(shim.directory, { recursive: true });
  const bytes = Buffer.from(answer(0, 'late')).toString('hex');
  const program = `
    const server = require('node:net').createServer((socket) => {
      socket.on('error', () => {}).once('data', () => socket.end(Buffer.from('${bytes}', 'hex')));
    });
    server.listen({ path: ${JSON.stringify(shim.socketPath)}, backlog: 1 }, () => {
      console.log('listening');
    });`;
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGSTOP');
  return {
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** Returns an answer that is cut, changed in some places, or random. */
function garble(good: Uint8Array, round: number): Buffer {
  const bytes = Buffer.from(good);
  switch (round % 5) {
    case 0:
      return randomBytes(randomInt(64));
    case 1:
      return bytes.subarray(0, randomInt(bytes.length));
    case 2:
      for (let i = 0; i < 3; i += 1) bytes[randomInt(bytes.length)] = randomInt(256);
      return bytes;
    case 3:
      bytes[randomInt(16)] = randomInt(256);
      return bytes;
    default:
      return Buffer.concat([bytes.subarray(0, 8), randomBytes(randomInt(64))]);
  }
}

/** Decodes an answer in the format of frame.ts; undefined for an invalid one. */
function readAnswer(bytes: Buffer): { readonly exitCode: number; readonly output: string } | undefined {
  if (bytes.length < frameHeaderLength + 4 || bytes.toString('latin1', 0, 4) !== 'KMVT') return undefined;
  const length = bytes.readUInt32BE(8);
  const body = bytes.subarray(frameHeaderLength, frameHeaderLength + length);
  if (bytes[4] !== 1 || bytes[5] !== 4 || length < 4 || body.length < length) return undefined;
  const exitCode = body.readUInt32BE(0);
  return exitCode > 255 ? undefined : { exitCode, output: body.toString('utf8', 4) };
}
