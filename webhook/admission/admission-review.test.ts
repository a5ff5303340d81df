// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeReview } from './admission-review.ts';

const object = { metadata: { name: 'a', namespace: 'tenant' } };
const request = { uid: 'u', kind: { kind: 'Pod' }, operation: 'CREATE', namespace: 'tenant', name: 'a', object };
const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request };

/** Returns the error for a review in whose request the given fields are replaced. */
function faultOf(fields: object): string | undefined {
  return decodeReview({ ...review, request: { ...request, ...fields } }, 'Pod').fault;
}

describe('decodeReview', () => {
  it('reads a request, and leaves missing fields undefined', () => {
    assert.deepEqual(decodeReview(review, 'Pod').request, {
      uid: 'u',
      kind: 'Pod',
      operation: 'CREATE',
      subResource: undefined,
      namespace: 'tenant',
      name: 'a',
      object,
      oldObject: undefined,
    });
  });

  it('sets the namespace of both objects to that of the request', () => {
    for (const metadata of [{ name: 'a' }, { name: 'a', namespace: 'other' }]) {
      const decoded = decodeReview({ ...review, request: { ...request, object: { metadata } } }, 'Pod');
      assert.equal(decoded.request?.object?.metadata.namespace, 'tenant');
    }
    assert.equal(
      decodeReview(review, 'Pod').request?.object,
      object,
      'the object is not copied if it already has the namespace',
    );
  });

  it('uses the name of the object if the request has none, and an empty name if it is still to be generated', () => {
    const withoutName = { ...request, name: undefined };
    assert.equal(decodeReview({ ...review, request: withoutName }, 'Pod').request?.name, 'a');
    const generated = { ...withoutName, object: { metadata: { generateName: 'a-' } } };
    assert.equal(decodeReview({ ...review, request: generated }, 'Pod').request?.name, '');
  });

  it('requires an object on CREATE and UPDATE, but not on DELETE', () => {
    for (const operation of ['CREATE', 'UPDATE']) {
      for (const absent of [undefined, null]) {
        assert.match(faultOf({ operation, object: absent }) ?? '', new RegExp(`object is missing on ${operation}`));
      }
    }
    assert.equal(faultOf({ operation: 'DELETE', object: null, oldObject: object }), undefined);
  });

  it('returns the old object on UPDATE and DELETE', () => {
    for (const operation of ['CREATE', 'UPDATE', 'DELETE']) {
      const decoded = decodeReview({ ...review, request: { ...request, operation, oldObject: object } }, 'Pod');
      assert.deepEqual(decoded.request?.oldObject, operation === 'CREATE' ? undefined : object);
    }
  });

  it('requires metadata in the object, and ignores an old object without metadata', () => {
    for (const broken of ['text', 7, true, [], [object], {}, { metadata: null }, { metadata: [] }]) {
      assert.match(faultOf({ object: broken }) ?? '', /has no metadata/);
      const decoded = decodeReview(
        { ...review, request: { ...request, operation: 'UPDATE', oldObject: broken } },
        'Pod',
      );
      assert.equal(decoded.request?.oldObject, undefined);
    }
  });

  it('returns the uid with an error that names the actual and the expected value', () => {
    const cases: readonly [object, RegExp][] = [
      [
        { ...review, apiVersion: 'admission.k8s.io/v1beta1' },
        /v1beta1.*speaks admission\.k8s\.io\/v1: write it in adm/,
      ],
      [{ ...review, apiVersion: undefined }, /apiVersion is missing/],
      [{ ...review, kind: 'TokenReview' }, /kind is "TokenReview"/],
      [{ ...review, request: { ...request, operation: 'PATCH' } }, /operation is "PATCH"; one of CREATE, UPDATE/],
      [{ ...review, request: { ...request, operation: {} } }, /operation is an object/],
      [{ ...review, request: { ...request, kind: { kind: 'Secret' } } }, /"Secret"; this path reviews Pod/],
      [{ ...review, request: { ...request, kind: null } }, /kind\.kind is missing; this path reviews Pod/],
      [{ ...review, kind: 'x'.repeat(100_000) }, /^kind is "x{64}…"/],
    ];
    for (const [body, wanted] of cases) {
      const decoded = decodeReview(body, 'Pod');
      assert.match(decoded.fault ?? '', wanted);
      assert.equal(decoded.request === undefined && decoded.uid, 'u');
    }
  });

  it('returns only an error if no uid can be read', () => {
    const bodies = [undefined, null, 1, 'x', true, [], {}, { ...review, request: null }, { ...review, request: [] }];
    const uids = [undefined, null, '', 7, {}, ['u']].map((uid) => ({ ...review, request: { ...request, uid } }));
    for (const body of [...bodies, ...uids]) {
      const decoded = decodeReview(body, 'Pod');
      assert.ok(decoded.request === undefined && decoded.uid === undefined && decoded.fault !== '');
    }
  });
});
