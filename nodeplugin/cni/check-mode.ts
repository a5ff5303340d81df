// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import type { DeviceEntry } from '../ledger/device-record.ts';
import type { CNIContext } from './cni-context.ts';
import type { NetConf } from './net-conf.ts';

/**
 * The mode of a device is its resource's, and kubelet gave it out as that. A configuration that says another one is a
 * contradiction that only a person can resolve, unless the mode was filled in from a policy that has changed since.
 * Raises `ModeConflict`.
 */
export function checkMode(id: string, { mode, resource }: DeviceEntry, conf: NetConf, { resources }: CNIContext): void {
  if (conf.mode === undefined || conf.mode === mode || conf.modeFromPolicy) return;
  const policy = resources().get(resource)?.policy;
  const source = policy === undefined ? `resource ${resource}` : `policy ${policy}`;
  throw new MacvtapError(
    'ModeConflict',
    `network ${conf.name} wants mode ${conf.mode}, and device ${id} has mode ${mode} by ${source}: write "mode": "${mode}" ` +
      `into NetworkAttachmentDefinition ${conf.name} or leave it out, or change the policy`,
    { facts: { device: id, resource, network: conf.name, wanted: conf.mode, mode, policy } },
  );
}
