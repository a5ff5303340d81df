// SPDX-License-Identifier: Apache-2.0
import type { Cluster } from './cluster.ts';
import { runInPod } from './pods.ts';

/** A pod's macvtap as the pod itself sees it. */
export interface PodTap {
  /** The path of the only tap in the pod, such as `/dev/tap1073741900`. */
  readonly path: string;
  /** The owner, such as `107:107`. */
  readonly owner: string;
  /** The device number in hexadecimal, such as `e0:1`. */
  readonly device: string;
  readonly ifindex: number;
  readonly mac: string;
  readonly mtu: number;
}

/**
 * Reads the link `net1` and the device node that kubelet gave the pod. Raises an error unless the pod has exactly one
 * such device node, and it belongs to the link.
 */
export async function readPodTap(cluster: Cluster, pod: string): Promise<PodTap> {
  const script = `set -e
ls /dev | grep ^tap
stat -c '%u:%g %t:%T' /dev/tap*
cat /sys/class/net/net1/ifindex /sys/class/net/net1/address /sys/class/net/net1/mtu
cat /sys/class/net/net1/macvtap/tap*/dev`;
  const lines = (await runInPod(cluster, pod, script)).trim().split('\n');
  const [name, node = '', ifindex, mac = '', mtu, own = ''] = lines;
  const [owner = '', device = ''] = node.split(' ');
  const [major, minor] = own.split(':').map((number) => Number(number).toString(16));
  if (lines.length !== 6 || name !== `tap${ifindex}` || device !== `${major}:${minor}`) {
    throw new Error(`pod ${pod} must have exactly one tap, which belongs to its net1:\n${lines.join('\n')}`);
  }
  return { path: `/dev/${name}`, owner, device, ifindex: Number(ifindex), mac, mtu: Number(mtu) };
}
