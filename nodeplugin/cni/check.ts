// SPDX-License-Identifier: Apache-2.0
import { linkName } from '../../policy/device/device-id.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { LinkDetails } from '../links/get-link.ts';
import { readTapAccess, type TapNode } from '../links/tap-node.ts';
import { type AttachedDevice, findAttached } from './attachments.ts';
import type { CNIContext } from './cni-context.ts';
import { findParentByIfindex } from './locate-device.ts';
import { isSameNetns, openNetns } from './open-netns.ts';
import type { CNIEnvironment } from './spec/cni-environment.ts';
import { findInResult } from './spec/cni-protocol.ts';
import type { NetConf } from './spec/net-conf.ts';

/** A property with its actual and its expected value. */
type Comparison = readonly [what: string, is: string | number | boolean | undefined, wanted: string | number | boolean];

/**
 * Checks that an attachment is unchanged since ADD. It checks the ledger, the link in the pod's namespace, its parent,
 * the device node in `/dev`, and the result that the runtime kept. Raises `NetnsInvalid`, and `AttachmentWrong` with
 * all differences.
 */
export async function check(
  environment: CNIEnvironment,
  conf: NetConf,
  context: CNIContext,
  signal: AbortSignal,
): Promise<void> {
  // This also verifies that the path is a network namespace.
  using netns = openNetns(environment.netns);
  const found = findAttached(context.ledger, environment);
  if (found === undefined)
    throw wrong(environment.ifname, ['the ledger has no device for this container and interface']);
  await context.lock.run(
    [linkName(found.id)],
    async () => {
      const device = findAttached(context.ledger, environment);
      if (device?.id !== found.id) throw wrong(environment.ifname, ['it was detached meanwhile']);
      if (!isSameNetns(device.record.attachment.netnsPath, netns.inode)) {
        throw wrong(environment.ifname, [
          `it was attached to ${device.record.attachment.netnsPath}, which is another namespace`,
        ]);
      }
      const link = await context.links.getLinkIn(netns.path, { name: environment.ifname }, signal);
      const tap = await context.links.readTapNode(device.record.ifindex, ['holder']);
      const comparisons = compare(device, link, tap, environment, conf, context);
      const faults = comparisons
        .filter(([, is, wanted]) => is !== wanted)
        .map(([what, is, wanted]) => `${what} is ${is ?? 'missing'}, not ${wanted}`);
      if (faults.length > 0) throw wrong(environment.ifname, faults);
    },
    signal,
  );
}

function compare(
  { id, record }: AttachedDevice,
  link: LinkDetails | undefined,
  { path, holder }: TapNode,
  { ifname, sandbox }: CNIEnvironment,
  conf: NetConf,
  context: CNIContext,
): readonly Comparison[] {
  const { mode, ifindex, parent, attachment } = record;
  const device: readonly Comparison[] = conf.deviceID === undefined ? [] : [['the device', id, conf.deviceID]];
  if (link === undefined) return [...device, ['the link', undefined, `a macvtap in ${sandbox}`]];
  const byName = () => context.interfaces().find(({ name }) => name === parent);
  const parentIfindex = (findParentByIfindex(id, record, context) ?? byName())?.ifindex;
  // If the configuration has no MTU, the link has the MTU that its parent had during ADD. Results of CNI 1.1.0 contain
  // that MTU.
  const shown = conf.prevResult === undefined ? undefined : (findInResult(conf, { ifname, sandbox }) ?? {});
  const mtu = conf.mtu ?? (typeof shown?.mtu === 'number' ? shown.mtu : undefined);
  return [
    ...device,
    ['its kind', link.kind, 'macvtap'],
    ['its index', link.ifindex, ifindex],
    ['its mode', link.macvtapMode, attachment.parked ? 'private' : mode],
    ["its parent's index", link.parentIfindexElsewhere, parentIfindex ?? `that of ${parent}, which is gone`],
    ['its MAC address', link.macAddress, attachment.mac],
    ['being up', link.up, true],
    ['being promiscuous', link.promiscuous, conf.promiscMode],
    [`the link of ${path}`, holder?.name, ifname],
    [`the owner of ${path}`, readTapAccess(path), `${conf.owner}:${conf.group} 660`],
    ...(mtu === undefined ? [] : [['its MTU', link.mtu, mtu] as const]),
    ...(shown === undefined ? [] : [['its MAC address in prevResult', textOf(shown.mac), attachment.mac] as const]),
  ];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value.toLowerCase() : undefined;
}

function wrong(ifname: string, faults: readonly string[]): MacvtapError {
  return new MacvtapError(
    'AttachmentWrong',
    `${ifname} is no longer as ADD created it: ${faults.join('; ')}; delete the pod to attach it again`,
    { facts: { ifname, faults: faults.length } },
  );
}
