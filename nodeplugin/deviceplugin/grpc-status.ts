// SPDX-License-Identifier: Apache-2.0
import { type StatusObject, status } from '@grpc/grpc-js';
import type { ErrorCode } from '../../runtime/error-codes.ts';
import { MacvtapError } from '../../runtime/errors.ts';

/**
 * What a failed handler answers kubelet. Kubelet looks at the text alone (it becomes the pod's event), so the message is
 * what counts, and a code without a row here is `INTERNAL`.
 *
 * @example { code: 4, details: 'Allocate dataplaneMvp3 on bond1: …' }
 */
export function toGrpcStatus(thrown: unknown): Pick<StatusObject, 'code' | 'details'> {
  const error = MacvtapError.from(thrown);
  // gRPC encodes the text with encodeURI, which throws on half a surrogate pair, and a cut may leave one.
  const details = error.message.slice(0, maxDetailsLength).toWellFormed();
  return { code: statusOfCode[error.code] ?? status.INTERNAL, details };
}

const statusOfCode: Readonly<Partial<Record<ErrorCode, status>>> = {
  Aborted: status.CANCELLED,
  DeadlineExceeded: status.DEADLINE_EXCEEDED,
};

// The text travels in an HTTP/2 header, percent-encoded: at most nine bytes for one UTF-16 unit, so 9 KiB, which stays
// under the 16 KiB that HTTP/2 implementations commonly take for all headers of a message.
const maxDetailsLength = 1024;
