// SPDX-License-Identifier: Apache-2.0
import { chmod, chown, copyFile, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runTool } from '../../machines/run-tool.ts';
import { debianMirror } from '../base-images.ts';

export interface RootOptions {
  /** An empty folder, which becomes the root of the image. */
  readonly root: string;
  /** An empty folder for packages. */
  readonly downloads: string;
  /** KubeVirt's programs: their paths by the names that they have in /usr/bin. */
  readonly programs: Readonly<Record<string, string>>;
  /** The folder of KubeVirt's module, which has settings and scripts. */
  readonly module: string;
}

/** KubeVirt 1.8 is made for libvirt 11, which Debian 13 has. */
const suite = 'trixie';

const packages = [
  ...['libvirt-daemon', 'libvirt-daemon-driver-qemu', 'libvirt-daemon-log', 'libvirt-clients'],
  ...['qemu-system-x86', 'qemu-utils', 'xorriso', 'socat'],
  ...['iproute2', 'nftables', 'procps', 'acl', 'libcap2-bin'],
];

/** Packages that others depend on and no part of KubeVirt runs. */
const unused =
  /^(apt|libapt-.*|systemd|libsystemd-shared|cron.*|logrotate|tzdata|iso-codes|debian-archive-keyring|perl-base|ipxe-qemu)_/;
const unusedFolders = ['share/doc', 'share/man', 'share/locale', 'share/zoneinfo', 'lib/systemd'];

/** The user of qemu, who owns taps. */
const qemuUser = 107;
const accounts = {
  passwd: [
    'root:x:0:0:root:/root:/bin/bash',
    ...['qemu', 'libvirt-qemu'].map((name) => `${name}:x:${qemuUser}:${qemuUser}::/home/qemu:/bin/bash`),
  ],
  group: ['root:x:0:', `qemu:x:${qemuUser}:`, `libvirt-qemu:x:${qemuUser}:`, 'kvm:x:108:'],
};

/** KubeVirt starts `virtqemud` and connects to its sockets. Debian has one daemon for all drivers. */
const daemon = `#!/bin/sh
mkdir -p /var/run/libvirt
for name in sock sock-ro admin-sock; do ln -sf "libvirt-$name" "/var/run/libvirt/virtqemud-$name"; done
exec /usr/lib/kubevirt/virtqemud "$@"
`;

/** Lays out a root file system with libvirt, qemu and KubeVirt's programs: one for all parts of KubeVirt. */
export async function layRoot(options: RootOptions): Promise<void> {
  const { root } = options;
  await unpackDebian(options);
  await runTool('ldconfig', '-r', root);
  for (const folder of unusedFolders) await rm(join(root, 'usr', folder), { recursive: true, force: true });
  for (const [name, path] of Object.entries(options.programs)) await install(path, join(root, 'usr/bin', name), 0o755);
  await replaceLibvirtd(root);
  await addSettings(options);
  // It binds a port below 1024, as a user who is not root.
  await runTool('setcap', 'cap_net_bind_service=+eip', join(root, 'usr/bin/virt-launcher-monitor'));
}

/** Unpacks without configuring: systemd cannot be installed in a folder, and nothing here needs it. */
async function unpackDebian({ root, downloads }: RootOptions): Promise<void> {
  const include = `--include=${packages.join()}`;
  const mirror = await debianMirror();
  await runTool('debootstrap', '--variant=minbase', '--download-only', include, suite, downloads, mirror);
  const archives = join(downloads, 'var/cache/apt/archives');
  const names = (await readdir(archives)).filter((name) => name.endsWith('.deb') && !unused.test(name));
  // Its links from /bin to /usr/bin come before files in them.
  const isFirst = (name: string) => name.startsWith('base-files_');
  for (const name of [...names.filter(isFirst), ...names.filter((one) => !isFirst(one))]) {
    const unpack = 'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --keep-directory-symlink';
    await runTool('sh', '-e', '-c', unpack, 'sh', join(archives, name), root);
  }
  await symlink('dash', join(root, 'usr/bin/sh')).catch(ignoreExisting);
}

async function replaceLibvirtd(root: string): Promise<void> {
  await mkdir(join(root, 'usr/lib/kubevirt'), { recursive: true });
  await rename(join(root, 'usr/sbin/libvirtd'), join(root, 'usr/lib/kubevirt/virtqemud'));
  await write(join(root, 'usr/sbin/virtqemud'), daemon, 0o755);
}

async function addSettings({ root, module }: RootOptions): Promise<void> {
  const launcher = join(module, 'cmd/virt-launcher');
  await mkdir(join(root, 'usr/lib64/qemu-kvm'), { recursive: true });
  for (const name of ['qemu.conf', 'virtqemud.conf']) {
    await install(join(launcher, name), join(root, 'etc/libvirt', name), 0o644);
  }
  await install(join(launcher, 'nsswitch.conf'), join(root, 'etc/nsswitch.conf'), 0o644);
  const hook = join(root, 'etc/libvirt/hooks/qemu');
  await install(join(launcher, 'qemu'), hook, 0o755);
  await chown(hook, qemuUser, qemuUser);
  const labeller = await readFile(join(launcher, 'node-labeller/node-labeller.sh'), 'utf8');
  await write(join(root, 'usr/bin/node-labeller.sh'), withoutHardware(labeller), 0o755);
  for (const [name, lines] of Object.entries(accounts))
    await write(join(root, 'etc', name), `${lines.join('\n')}\n`, 0o644);
  const home = join(root, 'home/qemu');
  await mkdir(home, { recursive: true });
  await chown(home, qemuUser, qemuUser);
  // Relative, since virt-handler looks at it through /proc/<pid>/root.
  await rm(join(root, 'var/run'), { recursive: true, force: true });
  await symlink('../run', join(root, 'var/run'));
}

/** Has the node labeller ask qemu about emulation, also where a /dev/kvm opens but runs no guest. */
function withoutHardware(script: string): string {
  const changed = script
    .replace(/^HYPERVISOR_DEV_PATH=.*$/m, 'HYPERVISOR_DEV_PATH=/dev/none')
    .replace(/^HYPERVISOR_DEV_MINOR=.*$/m, 'HYPERVISOR_DEV_MINOR=');
  if (!changed.includes('/dev/none')) throw new Error('node-labeller.sh looks for the hypervisor in another way');
  return changed;
}

async function install(from: string, to: string, mode: number): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
  await chmod(to, mode);
}

async function write(path: string, text: string, mode: number): Promise<void> {
  await rm(path, { force: true });
  await writeFile(path, text);
  await chmod(path, mode);
}

function ignoreExisting(thrown: unknown): void {
  if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
}
