// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import { type FastifyError, type FastifyInstance, type FastifyReply, fastify } from 'fastify';
import { limitWarnings } from '../runtime/log.ts';
import { type Endpoint, reviewDeadlines } from './admission/endpoint.ts';
import { findReview, type Reviewed, type ReviewTelemetry, review, settle } from './admission/envelope.ts';
import { limitConnections, requireNames, watchFailures } from './intake/guard-connections.ts';
import {
  ClientGone,
  clientOfSocket,
  createRefuse,
  type IntakeLimits,
  type Refuse,
  RequestRefused,
  usualLimits,
} from './intake/limits.ts';
import { createIntake, type Intake } from './intake/parse-in-turn.ts';
import { hasNoBody, isJson } from './intake/read-body.ts';

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
  watchFailures(app.server, refuseIntake);
  if (deps.clientNames !== undefined) requireNames(app.server, deps.clientNames, refuseIntake);
  const intake = createIntake(limits);
  app.removeAllContentTypeParsers();
  // The bodies of other requests than reviews have the same limits.
  app.addContentTypeParser('application/json', ({ raw }, _body, done) => {
    intake.receive(raw, clientOfSocket(raw.socket), (error, value, leave) => {
      leave();
      done(error ?? null, value);
    });
  });
  const paths = new Set(deps.endpoints.map(({ path }) => path));
  app.setNotFoundHandler(({ url, method }, reply) => {
    const [path = ''] = url.split('?');
    if (!paths.has(path)) return refuse(reply, 404, `no such path: ${path.slice(0, 128)}`);
    return refuse(reply.header('allow', 'POST'), 405, `${method} is not allowed here; POST an AdmissionReview`);
  });
  app.setErrorHandler((error: FastifyError, { raw }, reply) => {
    const { statusCode, message, headers } = explain(error, raw, deps, refuseIntake);
    return refuse(reply.headers(headers), statusCode, message);
  });
  let isClosing = false;
  app.addHook('preClose', async () => {
    isClosing = true;
  });
  const reviewDeps = { ...deps, intake, refuseIntake, isClosing: () => isClosing };
  takeReviews(app.server, reviewDeps);
  for (const endpoint of deps.endpoints) addReviewRoute(app, endpoint, reviewDeps);
  limitConnections(app.server, limits, refuseIntake);
  return app;
}

interface RouteDeps extends AppDeps {
  readonly intake: Intake;
  readonly refuseIntake: Refuse;
  readonly isClosing: () => boolean;
}

/**
 * Answers the requests of API servers without Fastify, because its steps take longer than many reviews. Fastify answers
 * all other requests.
 */
function takeReviews(server: Server, deps: RouteDeps): void {
  const others = server.listeners('request');
  const endpoints = new Map(deps.endpoints.map((endpoint) => [endpoint.path, endpoint]));
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const found = findReview(request, endpoints);
    if (found === undefined) {
      for (const listener of others) listener.call(server, request, response);
      return;
    }
    // As Fastify does. Requests that arrived earlier leave the connection open for those that follow.
    if (deps.isClosing()) response.setHeader('connection', 'close');
    answerReview(found.endpoint, request, response, found.timeout, deps);
  });
}

/** Adds the path of an endpoint for requests that `takeReviews` leaves, because their URL is unusual. */
function addReviewRoute(app: WebhookApp, endpoint: Endpoint, deps: RouteDeps): void {
  app.post(endpoint.path, {
    onRequest: ({ raw, query }, reply) => {
      reply.hijack();
      answerReview(endpoint, raw, reply.raw, (query as Record<string, unknown>).timeout, deps);
    },
    handler: () => {
      throw new Error('the hook did not take over the request');
    },
  });
}

function answerReview(
  endpoint: Endpoint,
  request: IncomingMessage,
  response: ServerResponse,
  timeout: unknown,
  deps: RouteDeps,
): void {
  const arrivedMs = performance.now();
  const fail = (error: Error): void => {
    const { statusCode, message, headers } = explain(error, request, deps, deps.refuseIntake);
    send(response, statusCode, { statusCode, message }, headers);
  };
  const finish = (reviewed: Reviewed): void => {
    const headers = deps.isStopping() ? { connection: 'close' } : {};
    if ('answer' in reviewed) send(response, 200, reviewed.answer, headers);
    else send(response, 400, { statusCode: 400, message: reviewed.fault }, headers);
  };
  const begin = (body: unknown): Reviewed | Promise<Reviewed> => {
    const { lookups, isDue } = reviewDeadlines(timeout, arrivedMs);
    const client = clientOfSocket(request.socket);
    // Work that is only informational ends early while the app closes.
    return review(endpoint, { body, arrivedMs }, { lookups, isDue: () => deps.isClosing() || isDue(), client }, deps);
  };
  if (hasNoBody(request.headers)) settle(() => begin(undefined), finish, fail);
  else if (!isJson(request.headers['content-type'])) fail(new WrongMediaType());
  else {
    deps.intake.receive(request, clientOfSocket(request.socket), (error, body, leave) => {
      if (error === undefined) return settle(() => begin(body), finish, fail, leave);
      fail(error);
      return leave();
    });
  }
}

class WrongMediaType extends Error {}

/** Writes an answer in one piece. */
function send(response: ServerResponse, statusCode: number, value: unknown, headers: Headers): void {
  if (response.headersSent) return;
  const text = JSON.stringify(value);
  const length = Buffer.byteLength(text);
  response
    .writeHead(statusCode, { 'content-type': 'application/json; charset=utf-8', 'content-length': length, ...headers })
    .end(text);
}

type Headers = Readonly<Record<string, string>>;

/** Answers a request that is not a readable AdmissionReview. */
function refuse(reply: FastifyReply, statusCode: number, message: string): FastifyReply {
  return reply.code(statusCode).send({ statusCode, message });
}

/** The answer to a request that failed. */
interface Failure {
  readonly statusCode: number;
  readonly message: string;
  readonly headers: Headers;
}

/**
 * Explains an error. Counts it if it is a refused body, and logs it if it is a bug. If the client is still sending the
 * body, the connection ends after the answer.
 */
function explain(error: FastifyError | Error, raw: IncomingMessage, { log }: AppDeps, refuseIntake: Refuse): Failure {
  const ending: Headers = raw.complete ? {} : { connection: 'close' };
  if (error instanceof RequestRefused) {
    const { reason, statusCode, message } = error;
    refuseIntake(reason, clientOfSocket(raw.socket));
    // With this header, the API server retries within its timeout (client-go's rest, with_retry.go).
    return { statusCode, message, headers: { ...ending, ...(statusCode === 503 && { 'retry-after': '1' }) } };
  }
  if (error instanceof ClientGone) {
    log.debug({ client: clientOfSocket(raw.socket) }, 'a client disconnected during its request');
    return { statusCode: 400, message: error.message, headers: ending };
  }
  if (error instanceof SyntaxError) {
    return { statusCode: 400, message: `the body is not JSON: ${error.message}`, headers: ending };
  }
  if (error instanceof WrongMediaType || ('code' in error && error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')) {
    return { statusCode: 415, message: 'the content type must be application/json', headers: {} };
  }
  const statusCode = 'statusCode' in error ? (error.statusCode ?? 500) : 500;
  if (statusCode < 500) return { statusCode, message: error.message, headers: {} };
  log.error({ error }, 'a request failed because of a bug');
  return { statusCode, message: "failed because of a bug in kube-macvtap; see the webhook's log", headers: {} };
}
