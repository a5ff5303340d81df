// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { connect } from 'node:tls';
import supertest from 'supertest';
import { deny, warn } from '../policy/reasons.ts';
import { MacvtapError } from '../runtime/errors.ts';
import { keepCounts } from '../test/fixtures/webhook/keep-counts.ts';
import { keepLog } from '../test/fixtures/webhook/keep-log.ts';
import { servingPair } from '../test/fixtures/webhook/serving-pair.ts';
import { until } from '../test/process/until.ts';
import type { AdmissionAnswer, AdmissionRequest } from './admission/admission-review.ts';
import type { Endpoint } from './admission/endpoint.ts';
import { type AppDeps, buildApp } from './app.ts';
import { tlsDefaults } from './tls/tls-settings.ts';

const object = { metadata: { name: 'a', namespace: 'tenant' } };

function reviewOf(request: object = {}): { apiVersion: string; kind: string; request: object } {
  const whole = { uid: 'u', kind: { kind: 'Pod' }, operation: 'CREATE', namespace: 'tenant', object, ...request };
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: whole };
}

/** Builds an app with one endpoint, /mutate/pods, which uses the given handler. */
function stage(handle: Endpoint['handle'] = () => ({ verdicts: [] }), given: Partial<Endpoint & AppDeps> = {}) {
  const { recorder, events } = keepCounts();
  const { log, lines } = keepLog();
  const endpoint = {
    path: '/mutate/pods',
    kind: 'Pod',
    verb: 'mutate',
    onFailure: 'refuse',
    ...given,
    handle,
  } as const;
  const { tls = tlsDefaults, isStopping = () => false } = given;
  const app = buildApp({ endpoints: [endpoint], recorder, log, isStopping, tls });
  const post = (payload: unknown, headers: Readonly<Record<string, string>> = {}) =>
    app.inject({
      method: 'POST',
      url: '/mutate/pods?timeout=10s',
      headers: { 'content-type': 'application/json', ...headers },
      payload: typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload),
    });
  const answerTo = async (payload: unknown): Promise<AdmissionAnswer['response']> => {
    const { statusCode, body } = await post(payload);
    assert.equal(statusCode, 200, body);
    return (JSON.parse(body) as AdmissionAnswer).response;
  };
  return { app, post, answerTo, events, lines };
}

/** Asserts that the body is JSON with this status code and a matching message. */
function assertRefused(answer: { statusCode: number; body: string }, statusCode: number, message: RegExp): void {
  assert.deepEqual([answer.statusCode, JSON.parse(answer.body).statusCode], [statusCode, statusCode]);
  assert.match(JSON.parse(answer.body).message, message);
}

describe('a body that is not a readable AdmissionReview', () => {
  it('is refused with 400 and a reason when no uid can be read', async () => {
    const { post, events, lines } = stage();
    assertRefused(await post(''), 400, /the body is not JSON/);
    assertRefused(await post('{"kind":'), 400, /the body is not JSON/);
    assertRefused(await post('null'), 400, /the body is null/);
    assert.deepEqual(
      lines.map(({ message, fields }) => [message, fields.path, typeof fields.durationMs]),
      [['an admission request cannot be read', '/mutate/pods', 'number']],
    );
    assertRefused(await post('[]'), 400, /the body is a list/);
    assertRefused(await post({ kind: 'Pod' }), 400, /kind is "Pod"; send an AdmissionReview/);
    assertRefused(await post({ ...reviewOf(), request: undefined }), 400, /request is missing/);
    assertRefused(await post(reviewOf({ uid: undefined })), 400, /uid is missing/);
    assert.equal(events.filter((event) => event === 'review Pod mutate malformed').length, 5);
  });

  it('is also refused without a content type, whether it is empty or not', async () => {
    const { app } = stage();
    assertRefused(await app.inject({ method: 'POST', url: '/mutate/pods' }), 400, /the body is empty/);
    const unnamed = await app.inject({ method: 'POST', url: '/mutate/pods', payload: Buffer.from('{}') });
    assertRefused(unnamed, 415, /must be application\/json/);
  });

  it('is answered with an AdmissionReview when the uid can be read', async () => {
    const { answerTo } = stage();
    const bodies: readonly [unknown, RegExp][] = [
      [{ ...reviewOf(), apiVersion: 'admission.k8s.io/v1beta1' }, /speaks admission\.k8s\.io\/v1/],
      [reviewOf({ object: null }), /request\.object is missing on CREATE/],
      [reviewOf({ kind: { kind: 'Secret' } }), /reviews Pod/],
    ];
    for (const [body, message] of bodies) {
      const { uid, allowed, status } = await answerTo(body);
      assert.deepEqual([uid, allowed, status?.code, status?.reason], ['u', false, 400, 'BadRequest']);
      assert.match(status?.message ?? '', message);
    }
  });

  it('passes with a warning if `onFailure` of the endpoint is `pass` and the uid can be read', async () => {
    const { answerTo, post, events } = stage(undefined, { onFailure: 'pass' });
    const { uid, allowed, patch, status, warnings } = await answerTo(reviewOf({ object: null }));
    assert.deepEqual([uid, allowed, patch, status], ['u', true, undefined, undefined]);
    assert.deepEqual(warnings, ['request.object is missing on CREATE; the object passes unchanged']);
    assert.deepEqual(events, ['review Pod mutate malformed']);
    assertRefused(await post({ ...reviewOf(), request: undefined }), 400, /request is missing/);
  });

  it('may have at most 7 MiB, with and without a Content-Length', async () => {
    const { post, answerTo } = stage();
    const empty = JSON.stringify(reviewOf({ padding: '' })).length;
    const body = (bytes: number) => JSON.stringify(reviewOf({ padding: 'x'.repeat(bytes - empty) }));
    const limit = 7 * 1024 * 1024;
    assert.equal((await answerTo(body(limit))).allowed, true);
    assertRefused(await post(body(limit + 1)), 413, /more than 7340032 bytes/);
    assertRefused(await post(Buffer.from(body(limit + 1)), { 'transfer-encoding': 'chunked' }), 413, /more than/);
  });

  it('must have the content type application/json, with or without parameters', async () => {
    const { post } = stage();
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/yaml', 'nonsense', '/']) {
      assertRefused(await post(reviewOf(), { 'content-type': type }), 415, /must be application\/json/);
    }
    for (const type of ['application/json', 'application/json; charset=utf-8', 'Application/JSON']) {
      assert.equal((await post(reviewOf(), { 'content-type': type })).statusCode, 200, type);
    }
  });

  it('may be 20,000 levels deep or contain __proto__: it is reviewed like any other', async () => {
    const seen: AdmissionRequest[] = [];
    const { answerTo } = stage((request) => {
      seen.push(request);
      return { verdicts: [] };
    });
    const deep = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`;
    const text = JSON.stringify(reviewOf()).replace('"metadata"', `"spec":${deep},"__proto__":{"x":1},"metadata"`);
    assert.equal((await answerTo(text)).allowed, true);
    assert.deepEqual(Object.keys(seen[0]?.object ?? {}), ['spec', 'metadata']);
  });

  it('reaches the handler unchanged: nothing is coerced, filled in or removed', async () => {
    const odd = { metadata: { name: 7, namespace: 'tenant', annotations: null }, spec: { list: [{}, null, '1', 1] } };
    const seen: unknown[] = [];
    const { answerTo } = stage((request) => {
      seen.push(request.object);
      return { verdicts: [] };
    });
    await answerTo(reviewOf({ object: odd }));
    assert.deepEqual(seen, [odd]);
  });
});

describe('a path', () => {
  it('that does not exist gets 404, and a path that exists accepts only POST', async () => {
    const { app } = stage();
    assertRefused(
      await app.inject({ method: 'POST', url: '/validate/secrets', payload: {} }),
      404,
      /no such path: \/v/,
    );
    assertRefused(await app.inject({ method: 'GET', url: '/' }), 404, /no such path: \//);
    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const) {
      const answer = await app.inject({ method, url: '/mutate/pods?timeout=1s' });
      assert.deepEqual([answer.statusCode, answer.headers.allow], [405, 'POST'], method);
    }
  });
});

describe('a review', () => {
  const denial = deny('BadGlob', 'spec.a', 'd');

  it('allows, denies or patches the object, with warnings', async () => {
    const edits = [{ op: 'add', path: '/spec', value: {} }] as const;
    const warning = warn('BadLabel', 'spec.b', '');
    const told = ['beside', 'BadLabel spec.b: not a legal label key or value'];
    const passing = await stage(() => ({ verdicts: [warning], warnings: ['beside'] })).answerTo(reviewOf());
    assert.deepEqual(passing, { uid: 'u', allowed: true, warnings: told });
    const changed = await stage(() => ({ verdicts: [warning], warnings: ['beside'], edits })).answerTo(reviewOf());
    assert.deepEqual([changed.allowed, changed.patchType, changed.warnings], [true, 'JSONPatch', told]);
    const refused = await stage(() => ({ verdicts: [denial, warning], edits })).answerTo(reviewOf());
    assert.deepEqual([refused.allowed, refused.patch, refused.status?.code], [false, undefined, 403]);
    assert.deepEqual(refused.warnings, told.slice(1));
  });

  it('is counted by its outcome', async () => {
    const { answerTo, events } = stage(() => ({ verdicts: [denial] }));
    await answerTo(reviewOf());
    assert.deepEqual(events, ['review Pod mutate denied', 'denial Pod BadGlob']);
  });

  it('is skipped for a status, an ephemeral container, a CONNECT, or an object that is being deleted', async () => {
    const { answerTo } = stage(() => assert.fail('judged'));
    const leaving = { metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    for (const request of [
      { subResource: 'status', operation: 'UPDATE' },
      { subResource: 'ephemeralcontainers', operation: 'UPDATE' },
      { operation: 'CONNECT', object: null },
      { operation: 'UPDATE', object: leaving, oldObject: leaving },
    ]) {
      assert.deepEqual(await answerTo(reviewOf(request)), { uid: 'u', allowed: true });
    }
  });

  it('that fails because of a bug refuses the object with a code, and the bug is counted and logged', async () => {
    const failing: readonly Endpoint['handle'][] = [
      () => {
        throw new TypeError('x is undefined');
      },
      () => Promise.reject(new TypeError('x is undefined')),
      // Values that a library may throw.
      () => Promise.reject('x is undefined'),
      () => {
        const recurse = (): number => recurse() + 1;
        return { verdicts: [], warnings: [String(recurse())] };
      },
    ];
    for (const handle of failing) {
      const { answerTo, events, lines } = stage(handle);
      const { uid, allowed, status } = await answerTo(reviewOf());
      assert.deepEqual([uid, allowed, status?.code, status?.reason], ['u', false, 500, 'InternalError']);
      assert.match(status?.message ?? '', /^Unexpected: .*(x is undefined|call stack).*see the webhook's log/);
      assert.deepEqual(events, ['bug Pod mutate', 'review Pod mutate errored']);
      assert.deepEqual(
        lines.map(({ level, fields }) => [level, (fields.error as MacvtapError).code, typeof fields.durationMs]),
        [['error', 'Unexpected', 'number']],
      );
    }
  });

  it('that fails because of a bug passes with a warning if `onFailure` of the endpoint is `pass`', async () => {
    const handle = () => Promise.reject(new TypeError('x is undefined'));
    const { answerTo, events } = stage(handle, { onFailure: 'pass' });
    const { allowed, patch, warnings } = await answerTo(reviewOf());
    assert.deepEqual([allowed, patch], [true, undefined]);
    assert.match(warnings?.[0] ?? '', /^Unexpected: .*x is undefined.*passes unchanged$/);
    assert.deepEqual(events, ['bug Pod mutate', 'review Pod mutate errored']);
  });

  it('with a failed look-up does not count as a bug, and asks the client to retry', async () => {
    const handle = () => Promise.reject(new MacvtapError('LookupFailed', 'Namespace tenant was not read in time'));
    const { answerTo, events } = stage(handle);
    const { status } = await answerTo(reviewOf());
    assert.deepEqual([status?.code, status?.details], [503, { retryAfterSeconds: 1 }]);
    assert.equal(status?.message, 'LookupFailed: Namespace tenant was not read in time');
    assert.deepEqual(events, ['review Pod mutate errored']);
    const passing = await stage(handle, { onFailure: 'pass' }).answerTo(reviewOf());
    assert.match(passing.warnings?.[0] ?? '', /^LookupFailed: .*; the object passes unchanged$/);
  });
});

describe('the app over TLS', () => {
  it('answers, and accepts only TLS 1.2 or newer', async () => {
    const { certPem, keyPem, authority } = await servingPair();
    const { app } = stage(undefined, { tls: { ...tlsDefaults, cert: certPem, key: keyPem } });
    await using _app = { [Symbol.asyncDispose]: () => app.close() };
    await app.listen({ host: '127.0.0.1', port: 0 });
    const answer = await supertest(app.server).post('/mutate/pods?timeout=10s').ca(authority.pem).send(reviewOf());
    assert.deepEqual([answer.status, answer.body.response], [200, { uid: 'u', allowed: true }]);

    const { port } = app.server.address() as { port: number };
    const attempt = (maxVersion: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3') =>
      new Promise<string>((resolve) => {
        // At a security level above 0, the client itself refuses the old versions.
        const ciphers = 'DEFAULT@SECLEVEL=0';
        const options = {
          port,
          host: '127.0.0.1',
          ca: authority.pem,
          minVersion: 'TLSv1',
          maxVersion,
          ciphers,
        } as const;
        const socket = connect(options, () => {
          resolve(socket.getProtocol() ?? '');
          socket.destroy();
        });
        socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => resolve(code));
      });
    assert.equal(await attempt('TLSv1.3'), 'TLSv1.3');
    assert.equal(await attempt('TLSv1.2'), 'TLSv1.2');
    assert.match(await attempt('TLSv1.1'), /^ERR_SSL_|ECONNRESET/);
  });

  it('answers the requests under way when it closes, and closes connections when it is stopping', async () => {
    const { certPem, keyPem, authority } = await servingPair();
    const entered = Promise.withResolvers<void>();
    const leave = Promise.withResolvers<void>();
    const handle = async () => {
      entered.resolve();
      await leave.promise;
      return { verdicts: [] };
    };
    const tls = { ...tlsDefaults, cert: certPem, key: keyPem };
    const { app } = stage(handle, { tls, isStopping: () => true });
    await app.listen({ host: '127.0.0.1', port: 0 });
    const underWay = supertest(app.server).post('/mutate/pods').ca(authority.pem).send(reviewOf());
    const answered = underWay.then((answer) => answer);
    await entered.promise;
    const closed = app.close();
    await until(
      async () => app.server.listening,
      (listening) => !listening,
    );
    leave.resolve();
    const answer = await answered;
    assert.deepEqual([answer.status, answer.headers.connection], [200, 'close']);
    await closed;
  });
});

test('every request is answered, even if many arrive at once', async () => {
  const { answerTo } = stage();
  const uids = Array.from({ length: 100 }, (_, index) => `u${index}`);
  const answers = await Promise.all(uids.map((uid) => answerTo(reviewOf({ uid }))));
  assert.deepEqual(
    answers.map(({ uid }) => uid),
    uids,
  );
});
