// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deny } from '../../policy/reasons.ts';
import { allowed, denied, errored, patched, verdictText } from './responses.ts';

const request = { uid: 'u', kind: 'Pod', name: 'vm-1' };
const bad = deny('BadGlob', 'spec.names[0]', 'ens[: the bracket is not closed');

test('an allowed object needs no more than its uid; warnings stand beside', () => {
  assert.deepEqual(allowed('u', []), {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    response: { uid: 'u', allowed: true },
  });
  assert.deepEqual(allowed('u', ['w']).response, { uid: 'u', allowed: true, warnings: ['w'] });
});

test('a patch is JSON in base64', () => {
  const edits = [{ op: 'add', path: '/spec', value: 'ü' }] as const;
  const { response } = patched('u', edits, []);
  assert.equal(response.patchType, 'JSONPatch');
  assert.deepEqual(JSON.parse(Buffer.from(response.patch ?? '', 'base64').toString()), edits);
});

test('a denial has one line and one cause for each verdict', () => {
  const { response } = denied(request, [bad, { ...bad, path: '', detail: '' }], ['w']);
  assert.deepEqual(response, {
    uid: 'u',
    allowed: false,
    warnings: ['w'],
    status: {
      status: 'Failure',
      code: 403,
      reason: 'Forbidden',
      message: 'BadGlob spec.names[0]: not a shell glob (ens[: the bracket is not closed)\nBadGlob: not a shell glob',
      details: {
        name: 'vm-1',
        kind: 'Pod',
        causes: [
          { reason: 'BadGlob', message: 'not a shell glob (ens[: the bracket is not closed)', field: 'spec.names[0]' },
          { reason: 'BadGlob', message: 'not a shell glob', field: '' },
        ],
      },
    },
  });
});

test('a denial of thousands of faults, each with a text of megabytes, stays readable', () => {
  const huge = { ...bad, path: 'p'.repeat(2_000_000), detail: 'two\nlines'.repeat(1_000_000) };
  const { status } = denied({ ...request, name: '' }, Array(5_000).fill(huge), []).response;
  const lines = status?.message.split('\n') ?? [];
  assert.equal(lines.length, 33);
  assert.equal(lines.at(-1), '… and 4968 more');
  assert.ok(JSON.stringify(status).length < 200_000);
  assert.ok(!('name' in (status?.details ?? {})), 'an object whose name is to be generated has none');
});

test('trouble is told by code, and what may heal asks the client to try again', () => {
  assert.deepEqual(errored('u', { code: 500, message: 'm' }).response, {
    uid: 'u',
    allowed: false,
    status: { status: 'Failure', code: 500, reason: 'InternalError', message: 'm' },
  });
  const { status } = errored('u', { code: 503, message: 'm' }).response;
  assert.deepEqual([status?.reason, status?.details], ['ServiceUnavailable', { retryAfterSeconds: 1 }]);
});

test('a verdict is one line of text', () => {
  assert.equal(verdictText(bad), 'BadGlob spec.names[0]: not a shell glob (ens[: the bracket is not closed)');
});
