// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import type { Edit } from '../../../policy/json.ts';
import type { ReviewRequest } from './admission-request.ts';

/** A webhook's answer. */
export interface ReviewAnswer {
  readonly uid: string;
  readonly allowed: boolean;
  readonly warnings: readonly string[];
  /** The edits; undefined without a patch. */
  readonly edits: readonly Edit[] | undefined;
  readonly message: string | undefined;
  /** The response as it was received, without the uid. */
  readonly response: object;
}

/** A client that sends reviews to a webhook over one connection. */
export interface ReviewClient extends Disposable {
  send(review: ReviewRequest): Promise<ReviewAnswer>;
}

/** Connects a client that trusts only `ca`. */
export function connectReviews(port: number, ca: string): ReviewClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca });
  const headers = { 'content-type': 'application/json' };
  return {
    async send({ path, body }) {
      const sent = request({ host: '127.0.0.1', port, path, method: 'POST', agent, headers }).end(body);
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      const answered = await text(response);
      if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode} ${answered}`);
      return readAnswer(path, answered, JSON.parse(body).request.uid);
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}

function readAnswer(path: string, answered: string, expectedUid: string): ReviewAnswer {
  const { kind, response } = JSON.parse(answered);
  if (kind !== 'AdmissionReview' || response.uid !== expectedUid)
    throw new Error(`${path}: not an answer: ${answered}`);
  const { uid, ...rest } = response;
  const { allowed, warnings = [], patch, status } = rest;
  const edits = patch === undefined ? undefined : JSON.parse(Buffer.from(patch, 'base64').toString());
  return { uid, allowed, warnings, edits, message: status?.message, response: rest };
}
