// SPDX-License-Identifier: Apache-2.0
import {
  macvtapNetworkNodePolicyDefaults as defaults,
  type MacvtapNetworkNodePolicy,
} from '../api/macvtap-network-node-policy.ts';

/**
 * Prefix of every resource of this project. It is the same as macvtap-cni's, so that users of macvtap-cni can migrate.
 */
export const resourcePrefix = 'macvtap.network.kubevirt.io/';

/** The name part of a Kubernetes qualified name, at most 63 characters; see apimachinery validation.IsQualifiedName. */
const namePattern = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** Returns whether a name can follow the prefix in an extended resource's name. */
export function isLegalResourceName(name: string): boolean {
  return namePattern.test(name);
}

type Entry = MacvtapNetworkNodePolicy['spec']['parentSelector'][number];

/** How a macvtap forwards frames to other macvtaps on the same parent, with the names from the policy schema. */
export type Mode = NonNullable<Entry['mode']>;

/** All modes. Type checking fails if the list differs from the schema. */
const modes = { bridge: true, private: true, vepa: true, passthru: true } as const satisfies Record<Mode, true>;

export function isMode(text: string): text is Mode {
  return Object.hasOwn(modes, text);
}

/** The default number of devices, as in macvtap-cni. */
const defaultQuantity = 100;

/**
 * The schema's limit for a policy's quantity. It also applies to the other sources, because kubelet receives all
 * devices in one list, which must stay short.
 */
export const maxQuantity = 4096;

/**
 * Returns the default number of devices on a parent. It is 1 for passthru, where a single device takes the whole
 * parent.
 */
export function quantityFor(mode: Mode): number {
  return mode === 'passthru' ? 1 : defaultQuantity;
}

type CarrierLossAction = NonNullable<MacvtapNetworkNodePolicy['spec']['onCarrierLoss']>;

/** All actions. Type checking fails if the list differs from the schema. */
const carrierLossActions = { Ignore: true, NoSchedule: true, Evict: true } as const satisfies Record<
  CarrierLossAction,
  true
>;

/** Returns whether a value is an action of `onCarrierLoss`. */
export function isCarrierLossAction(value: unknown): value is CarrierLossAction {
  return typeof value === 'string' && Object.hasOwn(carrierLossActions, value);
}

/** The effect of a parent without a carrier on its devices, if the node uses DRA. */
export interface CarrierLoss {
  readonly action: CarrierLossAction;
  /** The time without a carrier, in milliseconds, after which `Evict` evicts pods. */
  readonly graceMs: number;
}

/**
 * Returns the effect that a policy's spec sets. Returns undefined for the default: new pods cannot get the devices, and
 * no pod is evicted.
 */
export function readCarrierLoss(
  spec: Pick<MacvtapNetworkNodePolicy['spec'], 'onCarrierLoss' | 'carrierLossGracePeriod'>,
): CarrierLoss | undefined {
  const { onCarrierLoss: action = defaults['spec.onCarrierLoss'] } = spec;
  if (action === defaults['spec.onCarrierLoss']) return undefined;
  const graceMs = readGracePeriod(spec.carrierLossGracePeriod ?? defaults['spec.carrierLossGracePeriod']) ?? 0;
  return { action, graceMs };
}

const graceUnitsMs = { s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** Returns a grace period such as `30s` in milliseconds. Returns undefined for a text that the schema rejects. */
export function readGracePeriod(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,4})([smh])$/.exec(text) ?? [];
  return digits === undefined ? undefined : Number(digits) * graceUnitsMs[unit as keyof typeof graceUnitsMs];
}

/** Describes an effect for a message: `Evict after 30 s`. */
export function describeCarrierLoss(carrierLoss: CarrierLoss | undefined): string {
  if (carrierLoss === undefined) return defaults['spec.onCarrierLoss'];
  const { action, graceMs } = carrierLoss;
  return action === 'Evict' ? `Evict after ${graceMs / 1_000} s` : action;
}
