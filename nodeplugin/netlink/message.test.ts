// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MacvtapError } from '../../runtime/errors.ts';
import { encodeAttributes, stringAttribute } from './attributes.ts';
import {
  decodeAcknowledgement,
  decodeMessages,
  encodeMessage,
  NLM_F_ACK_TLVS,
  NLM_F_CAPPED,
  NLMSG_DONE,
  NLMSG_ERROR,
} from './message.ts';

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const anyMessage = fc.record({ type: u16, flags: u16, sequence: u32, payload: fc.uint8Array({ maxLength: 64 }) });

test('a message is encoded as length, type, flags, sequence number, port 0 and padded payload', () => {
  const bytes = encodeMessage({ type: 18, flags: 0x301, sequence: 7, payload: Uint8Array.of(0xaa) });
  // biome-ignore format: one field a line
  assert.deepEqual([...bytes], [
    17, 0, 0, 0,
    18, 0, 0x01, 0x03,
    7, 0, 0, 0,
    0, 0, 0, 0,
    0xaa, 0, 0, 0,
  ]);
});

test('encoded messages are decoded without changes, in the order of the datagram', () => {
  fc.assert(
    fc.property(fc.array(anyMessage, { maxLength: 4 }), (messages) => {
      const datagram = Buffer.concat(messages.map(encodeMessage));
      const decoded = decodeMessages(new Uint8Array(datagram));
      assert.deepEqual(
        decoded.map((message) => ({ ...message, payload: [...message.payload] })),
        messages.map((message) => ({ ...message, payload: [...message.payload] })),
      );
    }),
  );
});

test('the last message of a datagram may have no padding', () => {
  const bytes = encodeMessage({ type: 2, flags: 0, sequence: 1, payload: Uint8Array.of(1) }).subarray(0, 17);
  assert.deepEqual([...(decodeMessages(bytes)[0]?.payload ?? [])], [1]);
});

for (const [what, bytes] of [
  ['a header cut short', [16, 0, 0, 0, 1]],
  ['a length below the header', [15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['a length of zero', [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
  ['a length beyond the datagram', [17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
] as const) {
  test(`${what} is rejected as malformed`, () => {
    assert.throws(() => decodeMessages(Uint8Array.from(bytes)), { code: 'NetlinkMalformed' });
  });
}

test('any bytes are either decoded or rejected as malformed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      try {
        const total = decodeMessages(bytes).reduce((sum, { payload }) => sum + payload.length, 0);
        assert.ok(total <= bytes.length);
      } catch (thrown) {
        assert.ok(thrown instanceof MacvtapError && thrown.code === 'NetlinkMalformed', String(thrown));
      }
    }),
  );
});

const busy = [0xf0, 0xff, 0xff, 0xff]; // -16
const request = [20, 0, 0, 0, 16, 0, 5, 6, 1, 0, 0, 0, 0, 0, 0, 0, 0xde, 0xad, 0xbe, 0xef];
const text = [...encodeAttributes([stringAttribute(1, 'Device is in use')])];

function message(type: number, flags: number, payload: readonly number[]) {
  return { type, flags, sequence: 1, payload: Uint8Array.from(payload) };
}

test('errno 0 is success', () => {
  assert.deepEqual(decodeAcknowledgement(message(NLMSG_ERROR, 0, [0, 0, 0, 0, ...request.slice(0, 16)])), { errno: 0 });
});

test("the kernel's text follows the whole request", () => {
  const acknowledgement = decodeAcknowledgement(message(NLMSG_ERROR, NLM_F_ACK_TLVS, [...busy, ...request, ...text]));
  assert.deepEqual(acknowledgement, { errno: 16, text: 'Device is in use' });
});

test("the kernel's text follows the request's header if the request is capped", () => {
  const payload = [...busy, ...request.slice(0, 16), ...text];
  const acknowledgement = decodeAcknowledgement(message(NLMSG_ERROR, NLM_F_ACK_TLVS | NLM_F_CAPPED, payload));
  assert.deepEqual(acknowledgement, { errno: 16, text: 'Device is in use' });
});

test('the end of a dump contains an errno, or is empty', () => {
  assert.deepEqual(decodeAcknowledgement(message(NLMSG_DONE, 0, [0, 0, 0, 0])), { errno: 0 });
  assert.deepEqual(decodeAcknowledgement(message(NLMSG_DONE, NLM_F_ACK_TLVS, [...busy, ...text])), {
    errno: 16,
    text: 'Device is in use',
  });
  assert.deepEqual(decodeAcknowledgement(message(NLMSG_DONE, 0, [])), { errno: 0 });
});

test('any bytes are either decoded or rejected as malformed', () => {
  const flags = fc.constantFrom(0, NLM_F_ACK_TLVS, NLM_F_ACK_TLVS | NLM_F_CAPPED);
  fc.assert(
    fc.property(
      fc.constantFrom(NLMSG_ERROR, NLMSG_DONE),
      flags,
      fc.uint8Array({ maxLength: 48 }),
      (type, flag, bytes) => {
        try {
          assert.ok(decodeAcknowledgement(message(type, flag, [...bytes])).errno >= 0);
        } catch (thrown) {
          assert.ok(thrown instanceof MacvtapError && thrown.code === 'NetlinkMalformed', String(thrown));
        }
      },
    ),
  );
});
