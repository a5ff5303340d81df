// SPDX-License-Identifier: Apache-2.0
import type { BenchRow } from './row.ts';
import { allocate } from './rows/allocate.ts';
import { askCluster } from './rows/ask-cluster.ts';
import { attach } from './rows/attach.ts';
import { checkNads } from './rows/check-nads.ts';
import { dra } from './rows/dra.ts';
import { eventLoop } from './rows/event-loop.ts';
import { followPolicy } from './rows/follow-policy.ts';
import { listAndWatch } from './rows/list-and-watch.ts';
import { memorySteps } from './rows/memory-steps.ts';
import { planNodes } from './rows/plan-nodes.ts';
import { policyEdit } from './rows/policy-edit.ts';
import { policyStatus } from './rows/policy-status.ts';
import { residentMemory } from './rows/resident-memory.ts';
import { restartKubelet } from './rows/restart-kubelet.ts';
import { reviews } from './rows/reviews.ts';
import { start } from './rows/start.ts';
import { webhookGrowth } from './rows/webhook-growth.ts';
import { webhookMemory } from './rows/webhook-memory.ts';

/** Every row, in the order of the table. */
export const rows: readonly BenchRow[] = [
  planNodes,
  allocate,
  dra,
  attach,
  followPolicy,
  start,
  restartKubelet,
  listAndWatch,
  residentMemory,
  memorySteps,
  eventLoop,
  checkNads,
  reviews,
  policyEdit,
  webhookMemory,
  webhookGrowth,
  policyStatus,
  askCluster,
];
