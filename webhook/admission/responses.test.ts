// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { deny } from '../../policy/reasons.ts';
import { allowed, cutText, denied, errored, fitWarnings, patched, verdictText } from './responses.ts';

const request = { uid: 'u', kind: 'Pod', name: 'vm-1' };
const bad = deny('BadGlob', 'spec.names[0]', 'ens[: the bracket is not closed');

test('the answer for an allowed object has only the uid, and warnings if there are any', () => {
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
      message:
        'BadGlob spec.names[0]: not a shell glob (ens[: the bracket is not closed)\n' +
        'BadGlob: not a shell glob; see docs/reference/reasons.md#BadGlob',
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

test('a denial has one reference, to the explanation of its first code; a warning has none', () => {
  const first = deny('IllegalMtu', 'spec.config.mtu', 'mtu 5');
  const { status, warnings } = denied(request, [first, bad, first], [verdictText(bad)]).response;
  assert.deepEqual(status?.message.match(/; see .*/g), ['; see docs/reference/reasons.md#IllegalMtu']);
  assert.match(status?.message ?? '', /#IllegalMtu$/);
  assert.deepEqual(warnings, [verdictText(bad)]);
});

test('a denial with thousands of errors, each with a text of megabytes, stays readable', () => {
  const huge = { ...bad, path: 'p'.repeat(2_000_000), detail: 'two\nlines'.repeat(1_000_000) };
  const { status } = denied({ ...request, name: '' }, Array(5_000).fill(huge), []).response;
  const lines = status?.message.split('\n') ?? [];
  assert.equal(lines.length, 33);
  assert.equal(lines.at(-1), '… and 4968 more; see docs/reference/reasons.md#BadGlob');
  assert.ok(JSON.stringify(status).length < 200_000);
  assert.ok(!('name' in (status?.details ?? {})), 'the status has no name if the name is still to be generated');
});

test('a failure has its code, and a temporary one asks the client to retry', () => {
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

function lengthOf(text: string): number {
  return [...text].length;
}

test('short warnings stay unchanged and keep their order', () => {
  assert.deepEqual(fitWarnings(['b', 'a', 'c']), ['b', 'a', 'c']);
  assert.equal(cutText('x'.repeat(256), 256), 'x'.repeat(256));
});

test('a long warning is cut to 256 characters, and never inside a character', () => {
  assert.equal(cutText('x'.repeat(257), 256), `${'x'.repeat(255)}…`);
  assert.equal(cutText('🙂'.repeat(256), 256), '🙂'.repeat(256), 'a character of two UTF-16 units counts as one');
  assert.equal(cutText('🙂'.repeat(257), 256), `${'🙂'.repeat(255)}…`);
  assert.equal(cutText(`${'x'.repeat(255)}🙂x`, 256), `${'x'.repeat(255)}…`);
});

test('a text has no line breaks, control characters or lone surrogates, because Go refuses a header with them', () => {
  assert.equal(cutText('a\r\nWarning: 299 forged\u0000\u001b[31m\u2028b\u007f', 99), 'a Warning: 299 forged [31m b ');
  assert.equal(cutText('a\ud83dz', 99), 'a\ufffdz');
  assert.equal(
    cutText('eth0\u202e\u2066', 99),
    'eth0\\u202e\\u2066',
    'characters that change the direction of text are escaped',
  );
});

test('if there are too many warnings, the first are kept, and the last one gives the number of the others', () => {
  const texts = Array.from({ length: 100 }, (_, index) => `${index} ${'x'.repeat(300)}`);
  const warnings = fitWarnings(texts);
  assert.equal(warnings.at(-1), `… ${100 - (warnings.length - 1)} more warnings were left out`);
  assert.equal(warnings[0], cutText(texts[0] as string, 256));
  assert.equal(warnings.length, 16);
});

test('the same warning appears once', () => {
  assert.deepEqual(fitWarnings(['a', 'b', 'a']), ['a', 'b']);
});

test('for all texts, each warning has at most 256 characters, and all together have at most 4,096', () => {
  const texts = fc.array(fc.string({ unit: 'binary', maxLength: 600, size: 'max' }), { maxLength: 60, size: 'max' });
  fc.assert(
    fc.property(texts, (input) => {
      const warnings = fitWarnings(input);
      assert.ok(
        warnings.every((text) => lengthOf(text) <= 256 && text.isWellFormed() && !/[\p{Cc}\p{Cf}]/u.test(text)),
      );
      assert.ok(warnings.reduce((sum, text) => sum + lengthOf(text), 0) <= 4_096);
    }),
    { numRuns: 50 },
  );
});
