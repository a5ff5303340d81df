// SPDX-License-Identifier: Apache-2.0
import { copyFile, cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { debianMirror } from '../../images/base-images.ts';
import { type CpioEntry, encodeCpio } from '../../machines/encode-cpio.ts';
import { fetchKernel, fetchPackage } from '../../machines/fetch-packages.ts';
import { runTool } from '../../machines/run-tool.ts';
import type { RootImage } from './root-image.ts';

/** Debian's full kernel: the one for clouds has neither e1000e nor vmxnet3. */
const kernelPackage = 'linux-image-amd64';

const packages = [
  ...['systemd-sysv', 'udev', 'dbus', 'kmod', 'openssh-server', 'runc'],
  ...['iproute2', 'procps', 'ethtool', 'tcpdump', 'iputils-ping'],
];

/** Modules that a machine can need: networks, file systems, and the devices of qemu. */
const moduleFolders = [
  ...['net', 'fs', 'lib', 'crypto', 'arch', 'mm'],
  ...['drivers/net', 'drivers/block', 'drivers/virtio', 'drivers/char/hw_random', 'drivers/char/virtio_console.ko'],
];
const unusedModules = [
  ...['net/mac80211', 'net/wireless', 'net/bluetooth', 'drivers/net/wireless'],
  ...['drivers/net/ethernet/mellanox', 'fs/xfs', 'fs/btrfs', 'fs/ocfs2', 'fs/cifs', 'fs/ceph'],
];

/** Modules that find the root file system. crc32c is looked up by its algorithm's name, so it is not a dependency. */
const earlyModules = ['crc32c_generic', 'virtio_pci', 'virtio_blk', 'ext4'];

/** Units that would do nothing but delay a start. */
const masked = [
  ...['apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer', 'e2scrub_all.timer', 'fstrim.timer'],
  ...['e2scrub_reap.service', 'systemd-pstore.service', 'systemd-networkd-wait-online.service'],
];

/** The largest size of the root file system. The file on this machine is sparse. */
const diskSize = '5G';

/**
 * Makes the files that all machines start from: a root file system of Debian with systemd, and a kernel. Needs neither
 * a mount nor a loop device. Returns the kernel's release.
 */
export async function layRoot(image: RootImage, work: string): Promise<string> {
  const [root, downloads] = [join(work, 'root'), join(work, 'packages')];
  const kernel = await fetchKernel(downloads, kernelPackage);
  const busybox = await fetchPackage(downloads, 'busybox-static');
  await runTool(
    ...(['debootstrap', '--variant=minbase', `--include=${packages.join()}`, 'bookworm', root] as const),
    await debianMirror(),
  );
  await rm(join(root, 'var/cache/apt/archives'), { recursive: true });
  const [release = ''] = await readdir(join(kernel.path, 'lib/modules'));
  await copyModules(join(kernel.path, 'lib/modules', release), join(root, 'usr/lib/modules', release));
  await runTool('chroot', root, 'depmod', release);
  await configure(root);
  await copyFile(join(kernel.path, 'boot', `vmlinuz-${release}`), image.kernel);
  await writeFile(image.initramfs, encodeCpio(await initramfs(root, release, join(busybox.path, 'bin/busybox'))));
  await runTool('mke2fs', '-q', '-t', 'ext4', '-L', 'root', '-d', root, image.disk, diskSize);
  return release;
}

async function copyModules(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of ['modules.order', 'modules.builtin', 'modules.builtin.modinfo']) {
    await copyFile(join(from, name), join(to, name));
  }
  const unused = unusedModules.map((name) => join(from, 'kernel', name));
  for (const name of moduleFolders) {
    const target = join(to, 'kernel', name);
    await mkdir(dirname(target), { recursive: true });
    await cp(join(from, 'kernel', name), target, { recursive: true, filter: (path) => !unused.includes(path) });
  }
}

async function configure(root: string): Promise<void> {
  const units = join(root, 'etc/systemd/system');
  for (const unit of masked) await symlink('/dev/null', join(units, unit));
  await symlink('/lib/systemd/system/multi-user.target', join(units, 'default.target'));
  await runTool('chroot', root, 'systemctl', 'enable', 'systemd-networkd.service', 'ssh.service');
  await writeFile(join(root, 'etc/fstab'), '/dev/vda / ext4 defaults 0 1\nLABEL=machine /machine ext4 ro 0 0\n');
  await mkdir(join(root, 'machine'));
}

async function initramfs(root: string, release: string, busybox: string): Promise<readonly CpioEntry[]> {
  const found = await Promise.all(
    earlyModules.map((name) => runTool('chroot', root, 'modprobe', '-S', release, '--show-depends', name)),
  );
  const paths = [...new Set([...found.join('\n').matchAll(/^insmod (\S+)/gm)].map(([, path = '']) => path))];
  const modules = paths.map(
    async (path) =>
      ({ path: `modules/${basename(path)}`, type: 'file', data: await readFile(join(root, path)) }) as const,
  );
  const init = await readFile(new URL('init.sh', import.meta.url));
  return [
    ...['bin', 'dev', 'modules', 'proc', 'sys', 'root', 'seed'].map((path) => ({ path, type: 'folder' }) as const),
    // Process 1 starts with it as its input and output (drivers/char/tty: 5, 1).
    { path: 'dev/console', type: 'terminal', major: 5, minor: 1 },
    { path: 'bin/busybox', type: 'file', data: await readFile(busybox), isProgram: true },
    { path: 'bin/sh', type: 'link', target: 'busybox' },
    { path: 'init', type: 'file', data: init, isProgram: true },
    { path: 'modules/order', type: 'file', data: Buffer.from(paths.map((path) => `${basename(path)}\n`).join('')) },
    ...(await Promise.all(modules)),
  ];
}
