// SPDX-License-Identifier: Apache-2.0
import { linkName } from '../../policy/device/link-name.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { LinkDetails } from '../links/get-link.ts';
import { readTapAccess, type TapNode } from '../links/tap-node.ts';
import { type AttachedDevice, findAttached } from './attachments.ts';
import type { CNIContext } from './cni-context.ts';
import type { CNIEnvironment } from './cni-environment.ts';
import { findStanding } from './find-parent.ts';
import type { NetConf } from './net-conf.ts';
import { isSameNetns, openNetns } from './open-netns.ts';
import { findInResult } from './result.ts';

/** What is to be, and what is. */
type Comparison = readonly [what: string, is: string | number | boolean | undefined, wanted: string | number | boolean];

/**
 * Checks that an attachment is still what ADD made of it: in the ledger, in the pod's namespace, on its parent, in the
 * node's `/dev`, and in the result that the runtime kept. Raises `NetnsInvalid`, and `AttachmentWrong` with all that
 * differs.
 */
export async function check(
  environment: CNIEnvironment,
  conf: NetConf,
  context: CNIContext,
  signal: AbortSignal,
): Promise<void> {
  // Also sees that the namespace is one.
  using netns = openNetns(environment.netns);
  const found = findAttached(context.ledger, environment);
  if (found === undefined) throw wrong(environment.ifname, ['no device is known to be attached so']);
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
      const tap = await context.links.readTapNode(device.record.ifindex);
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
  const parentIfindex = (findStanding(id, record, context) ?? byName())?.ifindex;
  // Where the configuration names none it is what the parent had at ADD, which results of 1.1.0 tell.
  const shown = conf.prevResult === undefined ? undefined : (findInResult(conf, { ifname, sandbox }) ?? {});
  const mtu = conf.mtu ?? (typeof shown?.mtu === 'number' ? shown.mtu : undefined);
  return [
    ...device,
    ['its kind', link.kind, 'macvtap'],
    ['its index', link.ifindex, ifindex],
    ['its mode', link.macvtapMode, mode],
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
    `${ifname} is not what it was made: ${faults.join('; ')}; delete the pod, so that it is attached anew`,
    { facts: { ifname, faults: faults.length } },
  );
}
