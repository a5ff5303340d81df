// SPDX-License-Identifier: Apache-2.0
import type { MacvtapError } from '../../runtime/errors.ts';

/** Whether nobody answered, as opposed to an answer that refuses. */
export function isUnreachable({ code }: MacvtapError): boolean {
  return code === 'ApiServerUnreachable' || code === 'DeadlineExceeded' || code === 'ApiServerUnknown';
}
