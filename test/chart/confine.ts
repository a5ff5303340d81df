// SPDX-License-Identifier: Apache-2.0
import type { KubernetesObject } from '../apiserver/kubernetes-object.ts';
import { podTemplateOf } from './pod-spec.ts';

/**
 * Returns a command that executes its last arguments with the privileges of a DaemonSet's container: its capabilities
 * and no additional ones. In `folder`, it sees only the container's mounts, and can write only to the writable ones. If
 * something is mounted later below a mount with HostToContainer, it becomes visible.
 *
 * @param folder contains all host paths of the DaemonSet except those of the machine itself (/dev, /run/netns)
 * @param also lists further directories of the folder that stay visible and writable
 */
export function confineLike(daemonSet: KubernetesObject, folder: string, also: readonly string[]): readonly string[] {
  const { containers, volumes = [] } = podTemplateOf(daemonSet).spec;
  const [{ volumeMounts = [], securityContext }] = containers;
  const { capabilities, allowPrivilegeEscalation } = securityContext;
  const ofNode = new Set(volumes.filter(({ hostPath }) => hostPath !== undefined).map(({ name }) => name));
  const mounts = [
    ...volumeMounts.filter(({ name }) => ofNode.has(name)),
    ...also.map((mountPath) => ({ mountPath, readOnly: false })),
  ].map(({ mountPath, readOnly = false }, i) => ({ path: mountPath, readOnly, held: `/mnt/${i}` }));
  const script = [
    'set -e',
    // Bind-mounts the paths below a private /mnt first, because a tmpfs then covers the folder that contains them.
    'mount -t tmpfs hold /mnt',
    ...mounts.map(({ path, held }) => `mkdir ${held}; mount --rbind ${path} ${held}`),
    `mount -t tmpfs cover ${folder}`,
    ...mounts.map(({ path, held, readOnly }) => {
      const bind = `mkdir -p ${path}; mount --rbind ${held} ${path}`;
      return readOnly ? `${bind}; mount -o remount,bind,ro ${path}` : bind;
    }),
    `mount -o remount,ro ${folder}`,
    'umount --recursive --lazy /mnt',
    'mount -o remount,bind,ro /',
    'exec "$@"',
  ].join('\n');
  const added = (capabilities.add ?? []).map((name) => `+${name.toLowerCase()}`);
  const dropped = capabilities.drop.map((name) => `-${name.toLowerCase()}`);
  return [
    ...['unshare', '--mount', '--propagation', 'slave', 'sh', '-c', script, 'sh', 'setpriv'],
    ...(allowPrivilegeEscalation ? [] : ['--no-new-privs']),
    ...['--bounding-set', [...dropped, ...added].join(), '--inh-caps', '-all', '--ambient-caps', '-all'],
  ];
}
