// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MacvtapError } from '../../../runtime/errors.ts';
import { decodeFrame, decodeFrameHeader, encodeFrame, type Frame, maxStdin } from './frame.ts';

const ascii = (text: string) => [...new TextEncoder().encode(text)];
const magic = ascii('KMVT');

/** Frames, each with its bytes as the shim's C code writes or reads them. */
const examples = [
  {
    frame: { type: 'request', environment: new Map([['CNI_COMMAND', 'ADD']]), stdin: Uint8Array.from(ascii('{}')) },
    bytes: [...magic, 1, 1, 0, 0, 0, 0, 0, 22, 0, 0, 0, 16, ...ascii('CNI_COMMAND=ADD\0'), ...ascii('{}')],
  },
  {
    frame: { type: 'own', ifindex: 0x4000_0001, major: 246, minor: 3, uid: 107, gid: 1000 },
    bytes: [...magic, 1, 2, 0, 0, 0, 0, 0, 20, 0x40, 0, 0, 1, 0, 0, 0, 246, 0, 0, 0, 3, 0, 0, 0, 107, 0, 0, 3, 0xe8],
  },
  {
    frame: { type: 'owned', errno: 6, step: 'device number' },
    bytes: [...magic, 1, 3, 0, 0, 0, 0, 0, 17, 0, 0, 0, 6, ...ascii('device number')],
  },
  { frame: { type: 'lend' }, bytes: [...magic, 1, 5, 0, 0, 0, 0, 0, 0] },
  {
    frame: { type: 'lent', errno: 1, step: 'setns' },
    bytes: [...magic, 1, 6, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1, ...ascii('setns')],
  },
  {
    frame: { type: 'answer', exitCode: 1, output: '{"code":11}' },
    bytes: [...magic, 1, 4, 0, 0, 0, 0, 0, 15, 0, 0, 0, 1, ...ascii('{"code":11}')],
  },
] as const satisfies readonly { frame: Frame; bytes: readonly number[] }[];

for (const { frame, bytes } of examples) {
  test(`a frame of type ${frame.type} is encoded to these bytes and decoded from them`, () => {
    assert.deepEqual([...encodeFrame(frame)], bytes);
    const decoded = decodeFrame(Uint8Array.from(bytes));
    if (decoded.type !== 'request') assert.deepEqual(decoded, frame);
    else assert.deepEqual({ ...decoded, stdin: [...decoded.stdin] }, { ...frame, stdin: ascii('{}') });
  });
}

const number = fc.integer({ min: 0, max: 0xffff_ffff });
const key = fc.stringMatching(/^[A-Z_]{1,20}$/);
const value = fc.string({ unit: 'binary', maxLength: 50 }).map((text) => text.replaceAll('\0', ''));
const plain = { noNullPrototype: true } as const;
const frames: fc.Arbitrary<Frame> = fc.oneof(
  fc.record(
    {
      type: fc.constant('request' as const),
      environment: fc.dictionary(key, value, plain).map((entries) => new Map(Object.entries(entries))),
      stdin: fc.uint8Array({ maxLength: 200 }),
    },
    plain,
  ),
  fc.record(
    { type: fc.constant('own' as const), ifindex: number, major: number, minor: number, uid: number, gid: number },
    plain,
  ),
  fc.record({ type: fc.constantFrom('owned' as const, 'lent' as const), errno: number, step: value }, plain),
  fc.record({ type: fc.constant('lend' as const) }, plain),
  fc.record({ type: fc.constant('answer' as const), exitCode: number, output: value }, plain),
);

test('a decoded frame equals the frame that was encoded', () => {
  fc.assert(
    fc.property(frames, (frame) => {
      const decoded = decodeFrame(encodeFrame(frame));
      if (decoded.type !== 'request' || frame.type !== 'request') assert.deepEqual(decoded, frame);
      else {
        assert.deepEqual(decoded.environment, frame.environment);
        assert.deepEqual([...decoded.stdin], [...frame.stdin]);
      }
    }),
  );
});

test('any bytes, and any frame with a changed or missing byte, are decoded or rejected as malformed', () => {
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Uint8Array.from([...magic, 1, ...bytes])),
    fc.tuple(frames, fc.nat(), fc.nat(255)).map(([frame, place, byte]) => {
      const bytes = encodeFrame(frame);
      bytes[place % bytes.length] = byte;
      return bytes;
    }),
    fc.tuple(frames, fc.nat()).map(([frame, length]) => encodeFrame(frame).subarray(0, length % 40)),
  );
  fc.assert(
    fc.property(hostile, (bytes) => {
      try {
        decodeFrame(bytes);
      } catch (thrown) {
        assert.ok(thrown instanceof MacvtapError, String(thrown));
        assert.equal(thrown.code, 'CNIFrameMalformed');
      }
    }),
  );
});

const header = (type: number, length: number) => {
  const bytes = Buffer.from([...magic, 1, type, 0, 0, 0, 0, 0, 0]);
  bytes.writeUInt32BE(length, 8);
  return bytes;
};

test('the decoder rejects a header that announces too long a body, before the body is in memory', () => {
  for (const [type, most] of [
    [1, 4 + 64 * 1024 + maxStdin],
    [2, 20],
    [3, 260],
    [4, 4 + 2 * maxStdin],
  ] as const) {
    assert.equal(decodeFrameHeader(header(type, most)).bodyLength, most);
    assert.throws(() => decodeFrameHeader(header(type, most + 1)), {
      code: 'CNIFrameMalformed',
      message: /are more than/,
    });
  }
});

const refused = [
  { title: 'an unknown beginning', bytes: [...ascii('GET / HTTP/1.1\r\n')], message: /does not begin with KMVT/ },
  {
    title: 'a newer version',
    bytes: [...magic, 2, 1, 0, 0, 0, 0, 0, 0],
    message: /it has version 2, and this node plugin supports version 1/,
  },
  { title: 'an unknown type', bytes: [...header(9, 0)], message: /9 is not a frame type/ },
  {
    title: 'an environment that is longer than the body',
    bytes: [...header(1, 4), 0, 0, 0, 1],
    message: /claims 1 bytes/,
  },
  {
    title: 'a variable without its NUL',
    bytes: [...header(1, 7), 0, 0, 0, 3, ...ascii('A=b')],
    message: /end with NUL/,
  },
  { title: 'a variable without a name', bytes: [...header(1, 7), 0, 0, 0, 3, ...ascii('=b\0')], message: /KEY=value/ },
  {
    title: 'a duplicate variable',
    bytes: [...header(1, 12), 0, 0, 0, 8, ...ascii('A=b\0A=c\0')],
    message: /A comes twice/,
  },
  { title: 'a text that is not UTF-8', bytes: [...header(3, 5), 0, 0, 0, 1, 0xff], message: /not UTF-8/ },
  { title: 'more bytes than its body has', bytes: [...header(3, 4), 0, 0, 0, 1, 0], message: /5 bytes instead of 4/ },
  { title: 'too few numbers for an owner', bytes: [...header(2, 4), 0, 0, 0, 1], message: /too short/ },
];

for (const { title, bytes, message } of refused) {
  test(`a frame with ${title} is rejected`, () => {
    assert.throws(() => decodeFrame(Uint8Array.from(bytes)), { code: 'CNIFrameMalformed', message });
  });
}

test('more than 1 MiB of standard input is rejected, even with an empty environment', () => {
  const request = (length: number) =>
    encodeFrame({ type: 'request', environment: new Map(), stdin: new Uint8Array(length) });
  assert.equal(decodeFrame(request(maxStdin)).type, 'request');
  assert.throws(() => decodeFrame(request(maxStdin + 1)), { code: 'CNIFrameMalformed', message: /too many/ });
});
