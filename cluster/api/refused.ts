// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { isRecord } from '../objects/known-object.ts';
import type { ApiResponse } from './client.ts';

/**
 * ApiServerRefused for an answer that is an error: names the request, the status and what the server says (the message of
 * its Status object). The fact `status` is the HTTP status.
 *
 * @example refused('list of Nodes', answer)
 */
export function refused(what: string, { status, body }: Pick<ApiResponse, 'status' | 'body'>): MacvtapError {
  const said = isRecord(body) ? body.message : body;
  const text = (typeof said === 'string' && said !== '' ? said : 'no reason given').slice(0, longestText);
  return new MacvtapError('ApiServerRefused', `${what}: ${status}: ${text}${hintFor(status)}`, { facts: { status } });
}

/** A proxy may answer with a whole page. */
const longestText = 500;

function hintFor(status: number): string {
  switch (status) {
    case 401:
      return '; see whether the token or certificate is valid';
    case 403:
      return '; grant it in a role of this service account';
    default:
      return '';
  }
}
