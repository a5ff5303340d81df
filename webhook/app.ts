// SPDX-License-Identifier: Apache-2.0
import type { Server } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import { type FastifyError, type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import { type EnvelopeContext, review } from './admission/envelope.ts';
import type { Endpoint } from './admission/judgement.ts';
import { parseInTurn, TooMuchWaits } from './parse-in-turn.ts';
import { readDeadlines } from './read-deadlines.ts';

export interface AppDeps extends EnvelopeContext {
  readonly endpoints: readonly Endpoint[];
  /** May lack the certificate, which can be given to the server later. */
  readonly tls: SecureContextOptions;
  /** Whether clients are asked to go elsewhere: each answer then ends its connection. */
  readonly isStopping: () => boolean;
}

/**
 * More than an API server takes of anything (etcd's limit is 1.5 MiB, the API server's for a request 3 MiB): an UPDATE
 * carries the object twice, and JSON in JSON grows by its escapes.
 */
const bodyLimitBytes = 7 * 1024 * 1024;

/**
 * Longer than Go's clients keep an idle connection (90 s, http.DefaultTransport), so that it is never this side that
 * closes one on which a request is just being sent.
 */
const keepAliveMs = 120_000;

/** A request takes as long as the API server waits at most (timeoutSeconds up to 30), and as a slow sender needs. */
const requestTimeoutMs = 60_000;

/** Far more than a handshake takes, far less than Node's two minutes. */
const handshakeTimeoutMs = 10_000;

export type WebhookApp = FastifyInstance<Server>;

/** The app that production and tests share. It does not listen. */
export function buildApp(deps: AppDeps): WebhookApp {
  const app = fastify({
    bodyLimit: bodyLimitBytes,
    keepAliveTimeout: keepAliveMs,
    requestTimeout: requestTimeoutMs,
    // What is under way when the app closes is still answered.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    https: { ...deps.tls, handshakeTimeout: handshakeTimeoutMs },
    // Bodies and queries are judged by the rules, as they are: nothing may be coerced, filled in or stripped before.
    ajv: { customOptions: { coerceTypes: false, useDefaults: false, removeAdditional: false } },
  });
  app.decorateRequest('arrivedMs', 0);
  app.addHook('onRequest', (request, _reply, done) => {
    request.setDecorator('arrivedMs', performance.now());
    done();
  });
  parseInTurn(app);
  const paths = new Set(deps.endpoints.map(({ path }) => path));
  app.setNotFoundHandler(({ url, method }, reply) => {
    const [path = ''] = url.split('?');
    if (!paths.has(path)) return refuse(reply, 404, `no such path: ${path.slice(0, 128)}`);
    return refuse(reply.header('allow', 'POST'), 405, `${method} is not allowed here; POST an AdmissionReview`);
  });
  app.setErrorHandler((error: FastifyError, _, reply) => {
    // By this header, and within its timeout, the API server itself tries again (client-go's rest, with_retry.go).
    if (error instanceof TooMuchWaits) reply.header('retry-after', '1');
    return refuse(reply, ...explain(error, deps));
  });
  let isClosing = false;
  app.addHook('preClose', async () => {
    isClosing = true;
  });
  for (const endpoint of deps.endpoints) addReviewRoute(app, endpoint, deps, () => isClosing);
  return app;
}

function addReviewRoute(app: WebhookApp, endpoint: Endpoint, deps: AppDeps, isClosing: () => boolean): void {
  app.post(endpoint.path, async (request, reply) => {
    const arrivedMs = request.getDecorator<number>('arrivedMs');
    const { lookups, isDue } = readDeadlines((request.query as Record<string, unknown>).timeout, arrivedMs);
    // Nobody waits for what only informs when the process ends.
    const deadlines = { lookups, isDue: () => isClosing() || isDue() };
    const reviewed = await review(endpoint, { body: request.body, arrivedMs }, deadlines, deps);
    if (deps.isStopping()) reply.header('connection', 'close');
    return 'fault' in reviewed ? refuse(reply, 400, reviewed.fault) : reply.send(reviewed.answer);
  });
}

/** What is answered to a request out of which no review can be read. */
function refuse(reply: FastifyReply, statusCode: number, message: string): FastifyReply {
  return reply.code(statusCode).send({ statusCode, message });
}

function explain(error: FastifyError, { log }: AppDeps): [statusCode: number, message: string] {
  if (error instanceof SyntaxError) return [400, `the body is no JSON: ${error.message}`];
  if (error instanceof TooMuchWaits) {
    log.warn({}, 'a review was put off: too many large ones wait');
    return [503, `${error.message}; try again`];
  }
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return [413, `the body has more than ${bodyLimitBytes} bytes`];
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return [415, 'the content type must be application/json'];
  }
  const { statusCode = 500 } = error;
  if (statusCode >= 500) log.error({ error }, 'a request failed by a bug');
  return [statusCode, statusCode >= 500 ? "failed by a bug of kube-macvtap; see the webhook's log" : error.message];
}
