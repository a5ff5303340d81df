// SPDX-License-Identifier: Apache-2.0
import type { NetlinkMessage } from './message.ts';

/** A message still without a sequence number, which the socket gives. */
export interface NetlinkRequest {
  readonly type: number;
  readonly flags: number;
  readonly payload: Uint8Array;
  /** The kernel answers without its network lock, in microseconds: nothing that waits for that lock is waited for. */
  readonly isBrief?: true;
  /** Which messages of the reply are worth keeping; all when absent. */
  readonly keep?: (message: NetlinkMessage) => boolean;
}
