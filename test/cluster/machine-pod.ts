// SPDX-License-Identifier: Apache-2.0
import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { findImage } from '../machines/image-folder.ts';
import { emulator } from '../machines/needs-machines.ts';
import { until } from '../process/until.ts';
import type { Cluster } from './cluster.ts';
import { busyboxImage } from './images/build-images.ts';
import { runInPod, untilPodReady } from './pods.ts';

export interface MachinePodOptions {
  readonly name: string;
  readonly node: string;
  readonly networks: string;
  /** The address of the machine's card: `10.20.0.1/24`. */
  readonly address: string;
}

/** A virtual machine in a pod, on the pod's tap. */
export interface MachinePod {
  /**
   * Runs a line of shell in the machine and returns its output. Raises an error with the output if the command fails.
   */
  run(command: string): Promise<string>;
}

/** The longest wait. An emulated processor is slow when it shares two real ones with other programs. */
const guardMs = 240_000;

/** Opens the only tap in the pod, as KubeVirt's launcher does, as user 107 without capabilities. */
const script = `
set -e
exec 3<>"$(echo /dev/tap*)"
: >/work/input
tail -f /work/input | exec /usr/bin/${emulator} -machine q35 -accel tcg -m 192 -nodefaults -no-user-config \
  -display none -serial stdio -no-reboot -kernel /machine/kernel -initrd /machine/initramfs \
  -append "console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off clocksource=acpi_pm notsc no_timer_check ADDRESS=$ADDRESS" \
  -netdev tap,id=n0,fd=3,vhost=off \
  -device "virtio-net-pci,netdev=n0,mac=$(cat /sys/class/net/net1/address),romfile="`;

/** Starts a machine in a separate pod with the node's emulator, and waits until the machine is up. */
export async function runMachinePod(cluster: Cluster, options: MachinePodOptions): Promise<MachinePod> {
  const { name } = options;
  const image = findImage();
  if (image === undefined) throw new Error('there is no image of a machine; build it: node test/machines/main.ts');
  await cluster.apply([machinePod(options, await realpath(dirname(image.kernel)))]);
  await untilPodReady(cluster, name);
  let commands = 0;
  const answer = async (number: number) => {
    const printed = await until(
      () => cluster.mustKubectl(['logs', name]),
      (text) => new RegExp(`^@${number} \\d+\\s*$`, 'm').test(text),
      guardMs,
    );
    const [, between = '', code] =
      new RegExp(`(?:^@${number - 1} 0\\s)?([^@]*)^@${number} (\\d+)`, 'm').exec(printed) ?? [];
    if (code !== '0') throw new Error(`machine ${name}: command ${number} ended with ${code}:\n${printed}`);
    return between;
  };
  await answer(0);
  return {
    async run(command) {
      commands += 1;
      await runInPod(cluster, name, `echo '${commands} ${command}' >>/work/input`);
      return await answer(commands);
    },
  };
}

function machinePod({ name, node, networks, address }: MachinePodOptions, image: string): object {
  const fromNode = { machine: image, usr: '/usr', lib: '/usr/lib', lib64: '/usr/lib64' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', annotations: { 'k8s.v1.cni.cncf.io/networks': networks } },
    spec: {
      nodeSelector: { 'kubernetes.io/hostname': node },
      terminationGracePeriodSeconds: 0,
      securityContext: { runAsUser: 107, runAsGroup: 107, runAsNonRoot: true },
      containers: [
        {
          name: 'compute',
          image: busyboxImage,
          imagePullPolicy: 'Never',
          command: ['/bin/sh', '-c', script],
          env: [{ name: 'ADDRESS', value: address }],
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
          volumeMounts: [
            { name: 'work', mountPath: '/work' },
            ...Object.keys(fromNode).map((volume) => ({ name: volume, mountPath: `/${volume}`, readOnly: true })),
          ],
        },
      ],
      volumes: [
        { name: 'work', emptyDir: {} },
        ...Object.entries(fromNode).map(([volume, path]) => ({ name: volume, hostPath: { path, type: 'Directory' } })),
      ],
    },
  };
}
