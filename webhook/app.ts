// SPDX-License-Identifier: Apache-2.0
import type { Server } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { limitWarnings } from '../runtime/log.ts';
import { type Endpoint, reviewDeadlines } from './admission/endpoint.ts';
import { type ReviewTelemetry, review } from './admission/envelope.ts';
import { limitConnections, requireNames, watchFailures } from './intake/guard-connections.ts';
import {
  clientOf,
  createRefuse,
  type IntakeLimits,
  type Refuse,
  RequestRefused,
  usualLimits,
} from './intake/limits.ts';
import { parseInTurn } from './intake/parse-in-turn.ts';

export interface AppDeps extends ReviewTelemetry {
  readonly endpoints: readonly Endpoint[];
  /** The TLS settings. The server may get its certificate later. */
  readonly tls: SecureContextOptions;
  /**
   * Returns whether the webhook is stopping. While it is stopping, each answer closes its connection, so that clients
   * connect to another replica.
   */
  readonly isStopping: () => boolean;
  /**
   * Common names of accepted client certificates. An empty list accepts all; undefined means that clients need no
   * certificate.
   */
  readonly clientNames?: readonly string[] | undefined;
  /** Overrides of `usualLimits`. */
  readonly limits?: Partial<IntakeLimits>;
}

/**
 * How long an idle connection stays open. Go's clients keep one for 90 s (http.DefaultTransport). The webhook waits
 * longer, so that it never closes a connection on which a client is sending a request.
 */
const keepAliveMs = 120_000;

/**
 * The longest time without data on a connection with a request. An API server waits for an answer for at most 30 s
 * (timeoutSeconds), and a request has less time to arrive. This limit therefore affects only a client that does not
 * read its answer.
 */
const silentMs = 40_000;

export type WebhookApp = FastifyInstance<Server>;

/** Builds the app that production and tests share. It does not listen. */
export function buildApp(given: AppDeps): WebhookApp {
  // Limits the rate of warnings, because any client that reaches the port can cause them.
  const deps = { ...given, log: limitWarnings(given.log) };
  const limits = { ...usualLimits, ...given.limits };
  const refuseIntake = createRefuse(deps.recorder, deps.log);
  const app = fastify({
    bodyLimit: limits.bodyBytes,
    keepAliveTimeout: keepAliveMs,
    connectionTimeout: silentMs,
    // Applies only if the path or content type is wrong, because then the body is not read. For all other bodies,
    // `readBody` has its own limits.
    requestTimeout: limits.headerMs + limits.bodyMs,
    // While the app closes, requests that arrive on open connections are answered normally, not with a 503.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    https: {
      ...deps.tls,
      ...(deps.clientNames !== undefined && { requestCert: true, rejectUnauthorized: true }),
      handshakeTimeout: limits.handshakeMs,
      headersTimeout: limits.headerMs,
      // How often Node.js checks for late headers and requests.
      connectionsCheckingInterval: Math.min(1_000, limits.headerMs),
    },
    // The rules must see bodies and queries unchanged: nothing is coerced, filled in or removed.
    ajv: { customOptions: { coerceTypes: false, useDefaults: false, removeAdditional: false } },
  });
  limitConnections(app.server, limits, refuseIntake);
  watchFailures(app.server, refuseIntake);
  if (deps.clientNames !== undefined) requireNames(app.server, deps.clientNames, refuseIntake);
  app.decorateRequest('arrivedMs', 0);
  app.addHook('onRequest', (request, _reply, done) => {
    request.setDecorator('arrivedMs', performance.now());
    done();
  });
  parseInTurn(app, limits);
  const paths = new Set(deps.endpoints.map(({ path }) => path));
  app.setNotFoundHandler(({ url, method }, reply) => {
    const [path = ''] = url.split('?');
    if (!paths.has(path)) return refuse(reply, 404, `no such path: ${path.slice(0, 128)}`);
    return refuse(reply.header('allow', 'POST'), 405, `${method} is not allowed here; POST an AdmissionReview`);
  });
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error instanceof RequestRefused) return refuseBody(error, request, reply, refuseIntake);
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
    const { lookups, isDue } = reviewDeadlines((request.query as Record<string, unknown>).timeout, arrivedMs);
    // Work that is only informational ends early while the app closes.
    const client = clientOf(request.raw.socket.remoteAddress);
    const context = { lookups, isDue: () => isClosing() || isDue(), client };
    const reviewed = await review(endpoint, { body: request.body, arrivedMs }, context, deps);
    if (deps.isStopping()) reply.header('connection', 'close');
    return 'fault' in reviewed ? refuse(reply, 400, reviewed.fault) : reply.send(reviewed.answer);
  });
}

/** Answers a request that is not a readable AdmissionReview. */
function refuse(reply: FastifyReply, statusCode: number, message: string): FastifyReply {
  return reply.code(statusCode).send({ statusCode, message });
}

/**
 * Answers a request whose body is refused. If the client is still sending the body, the connection ends after the
 * answer.
 */
function refuseBody(
  { reason, statusCode, message }: RequestRefused,
  { raw }: FastifyRequest,
  reply: FastifyReply,
  refuseIntake: Refuse,
): FastifyReply {
  refuseIntake(reason, clientOf(raw.socket.remoteAddress));
  // With this header, the API server retries within its timeout (client-go's rest, with_retry.go).
  if (statusCode === 503) reply.header('retry-after', '1');
  if (!raw.complete) reply.header('connection', 'close');
  return refuse(reply, statusCode, message);
}

function explain(error: FastifyError, { log }: AppDeps): [statusCode: number, message: string] {
  if (error instanceof SyntaxError) return [400, `the body is not JSON: ${error.message}`];
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return [415, 'the content type must be application/json'];
  const { statusCode = 500 } = error;
  if (statusCode >= 500) log.error({ error }, 'a request failed because of a bug');
  return [
    statusCode,
    statusCode >= 500 ? "failed because of a bug in kube-macvtap; see the webhook's log" : error.message,
  ];
}
