// SPDX-License-Identifier: Apache-2.0
import type { WantedLink } from '../../policy/device/decide-link.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import type { Admission } from '../admission/open-admission.ts';
import type { DeviceEntry, DeviceRecord } from '../ledger/device-record.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { type AllocateStep, type StepListener, timeStep } from '../time-step.ts';

/** The part of a device's entry that only a device of a prepared claim has. It is empty for the device plugin API. */
export type ClaimedPart = Pick<DeviceEntry, 'claim' | 'pod' | 'podUID' | 'podMAC'>;

interface RecordingContext {
  readonly ledger: Pick<Ledger, 'record' | 'forget'>;
  readonly admission: Pick<Admission, 'restrictionOf'>;
  readonly onStep?: StepListener<AllocateStep> | undefined;
}

/** The write of a device's entry to the ledger. */
export interface Recording {
  /** Begins the write if it may begin before the link exists. */
  readonly mayBegin: () => void;
  /** Resolves when the entry is durable. Begins the write if it has not begun. */
  readonly done: () => Promise<void>;
  /** Restores the former entry, if the write has begun. Never rejects. */
  readonly undo: () => Promise<void>;
}

/**
 * Prepares the write of a device's entry. The write takes about as long as the creation of the link, so both run at the
 * same time. If the process is killed in between, the orphan collector removes an entry without a link, or a link
 * without an entry.
 *
 * If the former entry has an attachment, the write waits until the link exists, because the attachment shows where the
 * former link is.
 */
export function createRecording(
  id: string,
  facts: {
    wanted: WantedLink;
    attempt: number;
    resource: PlannedResource;
    former: DeviceRecord | undefined;
    claimed: ClaimedPart;
  },
  context: RecordingContext,
): Recording {
  const { wanted, attempt, resource, former, claimed } = facts;
  const { ledger, admission } = context;
  let writing: Promise<void> | undefined;
  const write = async () => {
    const { name, parent, mode } = resource;
    const { ifindex, parentIfindex } = wanted;
    const restriction = admission.restrictionOf(resource);
    const entry = {
      resource: name,
      parent,
      parentIfindex,
      mode,
      ifindex,
      attempt,
      ...(restriction && { restriction }),
      ...claimed,
    };
    await timeStep('record', context, () => ledger.record(id, entry));
  };
  return {
    mayBegin() {
      if (former?.attachment !== undefined) return;
      writing ??= write();
      // `done` raises the error.
      writing.catch(() => undefined);
    },
    async done() {
      writing ??= write();
      await writing;
    },
    async undo() {
      if (writing === undefined) return;
      await writing.catch(() => undefined);
      const { lastUsed, ...entry } = former ?? {};
      // If this fails, for example because the disk is full, the orphan collector removes the entry later.
      await ('resource' in entry ? ledger.record(id, entry) : ledger.forget(id)).catch(() => undefined);
    },
  };
}
