// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { generate } from 'selfsigned';
import { makePair } from './make-pair.ts';
import type { CertificateState, Pair } from './pair.ts';
import { decodeBundle, decodeState, encodeState, stateKeys } from './state-codec.ts';

describe('the files of a state', () => {
  let pairs: readonly [Pair, Pair, Pair];
  let state: CertificateState;
  before(async () => {
    const make = (hours: number) =>
      makePair({ names: ['a'], notBeforeMs: 0, notAfterMs: (Math.floor(Date.now() / 1_000) + hours * 3_600) * 1_000 });
    pairs = [await make(1), await make(2), await make(3)];
    const [old, current, next] = pairs;
    state = { current, next, older: [old.authority] };
  });

  it('hold the whole state', () => {
    const data = encodeState(state);
    assert.deepEqual(Object.keys(data).sort(), [...stateKeys].sort());
    assert.deepEqual(decodeState(data), { state, faults: [] });
  });

  it('hold a state without a successor', () => {
    const [old, current] = pairs;
    assert.deepEqual(decodeState(encodeState({ current, older: [old.authority] })), {
      state: { current, older: [old.authority] },
      faults: [],
    });
  });

  it('hold the same bundle before and after a switch', () => {
    const [old, current, next] = pairs;
    const switched = { current: next, older: [current.authority, old.authority] };
    assert.equal(encodeState(switched)['ca.crt'], encodeState(state)['ca.crt']);
  });

  for (const [what, data] of [
    ['a Secret without data', {}],
    ['a Secret of type kubernetes.io/tls that nobody filled', { 'tls.crt': '', 'tls.key': '' }],
    ['keys of others', { token: 'x', constructor: 'y' }],
  ] as const) {
    it(`are absent from ${what}, and that is no fault`, () => {
      assert.deepEqual(decodeState(data), { state: { older: [] }, faults: [] });
    });
  }

  it('are used as far as they can be when hands were at them', () => {
    const [old, current, next] = pairs;
    const data = encodeState(state);
    assert.deepEqual(decodeState({ ...data, 'tls.key': next.keyPem }), {
      state: { next, older: [old, current].map(({ authority }) => authority) },
      faults: ['tls.crt, tls.key: the key is not the one of the certificate'],
    });
    assert.deepEqual(decodeState({ ...data, 'next-tls.crt': 'x' }), {
      state: { current, older: [old, next].map(({ authority }) => authority) },
      faults: ['next-tls.crt, next-tls.key: the certificate cannot be read'],
    });
    assert.deepEqual(decodeState({ ...data, 'ca.crt': next.authority.pem }), {
      state: { next, older: [] },
      faults: ['tls.crt, tls.key: none of the authorities beside it signed the certificate'],
    });
  });

  it('tell of authorities that are none', () => {
    const { authority, certPem } = pairs[0];
    for (const broken of [
      certPem,
      '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
      '-----BEGIN CERTIFICATE-----\nMI',
    ]) {
      assert.deepEqual(decodeState({ 'ca.crt': `${authority.pem}${broken}` }), {
        state: { older: [authority] },
        faults: ["ca.crt: 1 of its certificates cannot be read or are no authority's"],
      });
    }
  });

  it('take a megabyte of anything', () => {
    for (const part of ['-----BEGIN CERTIFICATE-----', pairs[0].authority.pem, pairs[0].certPem, 'x\n', '-----']) {
      const huge = part.repeat(1_000_000 / part.length);
      const { state } = decodeState({ 'tls.crt': huge, 'tls.key': huge, 'ca.crt': huge, 'next-tls.crt': huge });
      assert.equal(state.current, undefined);
      assert.ok(state.older.length <= 1);
    }
  });

  it('tell authorities of ours from those that somebody else published', async () => {
    const foreign = await generate([{ name: 'commonName', value: 'somebody' }], {
      keyType: 'ec',
      algorithm: 'sha256',
      extensions: [{ name: 'basicConstraints', cA: true }],
    });
    const [{ authority }] = pairs;
    assert.deepEqual(decodeBundle(`${foreign.cert}\n${authority.pem}garbage`), [authority]);
    assert.deepEqual(decodeBundle(''), []);
  });
});
