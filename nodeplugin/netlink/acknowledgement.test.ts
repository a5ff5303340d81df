// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MacvtapError } from '../../runtime/errors.ts';
import { decodeAcknowledgement } from './acknowledgement.ts';
import { encodeAttributes, stringAttribute } from './attributes.ts';
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_DONE, NLMSG_ERROR } from './message.ts';

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

test("the kernel's text follows the request's header when the request is capped", () => {
  const payload = [...busy, ...request.slice(0, 16), ...text];
  const acknowledgement = decodeAcknowledgement(message(NLMSG_ERROR, NLM_F_ACK_TLVS | NLM_F_CAPPED, payload));
  assert.deepEqual(acknowledgement, { errno: 16, text: 'Device is in use' });
});

test('the end of a dump carries an errno too, or nothing at all', () => {
  assert.deepEqual(decodeAcknowledgement(message(NLMSG_DONE, 0, [0, 0, 0, 0])), { errno: 0 });
  assert.deepEqual(decodeAcknowledgement(message(NLMSG_DONE, NLM_F_ACK_TLVS, [...busy, ...text])), {
    errno: 16,
    text: 'Device is in use',
  });
  assert.deepEqual(decodeAcknowledgement(message(NLMSG_DONE, 0, [])), { errno: 0 });
});

test('any bytes are either decoded or refused as malformed', () => {
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
