// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { generate } from 'selfsigned';
import type { CertificateState, Pair } from './certificate-state.ts';
import { decodeBundle, decodeState, encodeState, stateKeys } from './certificate-store.ts';
import { makePair } from './serving-pair.ts';

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

  it('contain the whole state', () => {
    const data = encodeState(state);
    assert.deepEqual(Object.keys(data).sort(), [...stateKeys].sort());
    assert.deepEqual(decodeState(data), { state, problems: [] });
  });

  it('can contain a state without a successor', () => {
    const [old, current] = pairs;
    assert.deepEqual(decodeState(encodeState({ current, older: [old.authority] })), {
      state: { current, older: [old.authority] },
      problems: [],
    });
  });

  it('contain the same bundle before and after a switch to the next pair', () => {
    const [old, current, next] = pairs;
    const switched = { current: next, older: [current.authority, old.authority] };
    assert.equal(encodeState(switched)['ca.crt'], encodeState(state)['ca.crt']);
  });

  for (const [what, data] of [
    ['a Secret without data', {}],
    ['a Secret of type kubernetes.io/tls that is still empty', { 'tls.crt': '', 'tls.key': '' }],
    ['only keys of other programs', { token: 'x', constructor: 'y' }],
  ] as const) {
    it(`are missing in ${what}, without a problem`, () => {
      assert.deepEqual(decodeState(data), { state: { older: [] }, problems: [] });
    });
  }

  it('are used as far as possible after a person edited them', () => {
    const [old, current, next] = pairs;
    const data = encodeState(state);
    assert.deepEqual(decodeState({ ...data, 'tls.key': next.keyPem }), {
      state: { next, older: [old, current].map(({ authority }) => authority) },
      problems: ['tls.crt, tls.key: the key does not belong to the certificate'],
    });
    assert.deepEqual(decodeState({ ...data, 'next-tls.crt': 'x' }), {
      state: { current, older: [old, next].map(({ authority }) => authority) },
      problems: ['next-tls.crt, next-tls.key: the certificate cannot be read'],
    });
    assert.deepEqual(decodeState({ ...data, 'ca.crt': next.authority.pem }), {
      state: { next, older: [] },
      problems: ['tls.crt, tls.key: no CA in ca.crt signed the certificate'],
    });
  });

  it('report certificates that are not CA certificates', () => {
    const { authority, certPem } = pairs[0];
    for (const broken of [
      certPem,
      '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
      '-----BEGIN CERTIFICATE-----\nMI',
    ]) {
      assert.deepEqual(decodeState({ 'ca.crt': `${authority.pem}${broken}` }), {
        state: { older: [authority] },
        problems: ['ca.crt: certificates that are unreadable or not of a CA: 1'],
      });
    }
  });

  it('may contain a megabyte of arbitrary text', () => {
    for (const part of ['-----BEGIN CERTIFICATE-----', pairs[0].authority.pem, pairs[0].certPem, 'x\n', '-----']) {
      const huge = part.repeat(1_000_000 / part.length);
      const { state } = decodeState({ 'tls.crt': huge, 'tls.key': huge, 'ca.crt': huge, 'next-tls.crt': huge });
      assert.equal(state.current, undefined);
      assert.ok(state.older.length <= 1);
    }
  });

  it("distinguish this program's CAs from others in the bundle", async () => {
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
