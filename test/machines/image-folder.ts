// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The files that a virtual machine starts from. */
export interface Image {
  readonly kernel: string;
  readonly initramfs: string;
}

/** The folder in which images are kept between runs. git ignores it. */
export const cacheFolder = fileURLToPath(new URL('../../.cache/machines', import.meta.url));

/** The Debian packages. The kernel's package depends on the one that contains the current kernel. */
export const imagePackages = { kernel: 'linux-image-cloud-amd64', busybox: 'busybox-static' } as const;

/**
 * The modules that the kernel needs for a virtio network card, a power button, and the node plugin with VLANs, in the
 * order of loading. A test that needs a kernel without a module unloads it.
 */
export const kernelModules = [
  'failover',
  'net_failover',
  'virtio_ring',
  'virtio',
  'virtio_pci_legacy_dev',
  'virtio_pci_modern_dev',
  'virtio_pci',
  'virtio_net',
  'button',
  'evdev',
  ...['llc', 'stp', 'garp', 'mrp', '8021q', 'veth', 'tap', 'macvlan', 'macvtap'],
] as const;

/** Process 1 of every machine. */
export const initScript = readFileSync(new URL('init.sh', import.meta.url));

/** Covers all inputs of an image except the packages, whose newest versions are always good enough. */
const digest = createHash('sha256')
  .update(JSON.stringify([imagePackages, kernelModules, initScript.toString()]))
  .update(readFileSync(new URL('encode-cpio.ts', import.meta.url)))
  .update(readFileSync(new URL('build-image.ts', import.meta.url)))
  .digest('hex')
  .slice(0, 12);

/**
 * Returns the name under which an image is cached, such as
 * `6.1.0-56-cloud-amd64_6.1.192-2_1:1.35.0-4+deb12u1+b1_1f0c2d3e4a5b`.
 */
export function imageName(kernelRelease: string, versions: readonly string[]): string {
  return [kernelRelease, ...versions, digest].join('_');
}

/**
 * Returns the image that was built from the current inputs, with any version of its packages. Returns undefined if
 * there is none.
 */
export function findImage(folder = cacheFolder): Image | undefined {
  const [name] = namesIn(folder).filter((one) => one.endsWith(`_${digest}`));
  return name === undefined ? undefined : imageIn(join(folder, name));
}

export function imageIn(path: string): Image {
  return { kernel: join(path, 'kernel'), initramfs: join(path, 'initramfs') };
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}
