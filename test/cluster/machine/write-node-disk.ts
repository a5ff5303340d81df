// SPDX-License-Identifier: Apache-2.0
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtempDisposable,
  readdir,
  readFile,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binaryPath } from '../../binaries/binary-path.ts';
import { networkPlugins } from '../../binaries/recipes.ts';
import { runTool } from '../../machines/run-tool.ts';
import type { ClusterRecord } from '../cluster-record.ts';
import { containerdConfig } from '../configs/containerd-config.ts';
import { kubeletConfig } from '../configs/kubelet-config.ts';
import { writeIdentity } from '../identity.ts';
import { baseImages } from '../images/build-images.ts';
import { type NodePlan, nodeFolder } from '../layout.ts';
import { guestFiles } from './guest-files.ts';
import { loginKey } from './in-machine.ts';
import { nodeDisk } from './qemu-command.ts';

const commonFiles = fileURLToPath(new URL('files/', import.meta.url));

/** kubelet and the container runtime. */
const programs = ['kubelet', 'containerd', 'containerd-shim-runc-v2', 'ctr'] as const;

/** The file system's own needs, beyond the files. */
const spareBytes = 64 * 1024 * 1024;

/**
 * Writes the disk of a machine: `bin`, `cni` and `images` for all nodes, and `root`, this node's settings, which the
 * first start copies to /. The machine reads it as /machine.
 */
export async function writeNodeDisk(record: ClusterRecord, plan: NodePlan): Promise<void> {
  await using content = await mkdtempDisposable(join(nodeFolder(plan.name), 'content-'));
  const within = (...names: readonly string[]) => join(content.path, ...names);
  await cp(commonFiles, within('root'), { recursive: true });
  for (const [path, text] of Object.entries(await settings(record, plan))) await write(within('root', path), text);
  await enable(within('root/etc/systemd/system'));
  await mkdir(within('root/opt/cni/bin'), { recursive: true });
  for (const name of networkPlugins) {
    await copy(binaryPath(name), within('cni', name));
    await symlink(`/machine/cni/${name}`, within('root/opt/cni/bin', name));
  }
  for (const name of programs) await copy(binaryPath(name), within('bin', name));
  for (const path of new Set([...baseImages, ...record.images].map((image) => image.path))) {
    await copy(path, within('images', basename(path)));
  }
  for (const folder of ['root/root', 'root/root/.ssh']) await chmod(within(folder), 0o700);
  const kilobytes = Math.ceil(((await sizeOf(content.path)) * 1.05 + spareBytes) / 1024);
  const disk = nodeDisk(plan.name);
  await runTool('mke2fs', '-q', '-t', 'ext4', '-L', 'machine', '-d', content.path, disk, `${kilobytes}k`);
}

async function settings(record: ClusterRecord, plan: NodePlan): Promise<Readonly<Record<string, string>>> {
  const folder = nodeFolder(plan.name);
  const identity = async (file: string, user: string, ...groups: readonly string[]) => {
    await writeIdentity(join(folder, file), record, { user, groups });
    return await readFile(join(folder, file), 'utf8');
  };
  const key = loginKey(plan.name);
  await runTool('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', plan.name, '-f', key);
  return {
    ...guestFiles(plan, {
      caFile: record.ca,
      kubeletKubeconfig: await identity('kubelet.kubeconfig', `system:node:${plan.name}`, 'system:nodes'),
      multusKubeconfig: await identity('multus.kubeconfig', 'multus'),
      // With cgroup v2 and systemd, kubelet needs no settings of the host's.
      kubeletConfig: kubeletConfig('/etc/kubernetes/ca.crt', { cgroupDriver: 'systemd' }),
      loginKey: await readFile(`${key}.pub`, 'utf8'),
    }),
    'etc/containerd/config.toml': containerdConfig('/var/lib/containerd', { runc: '/usr/local/sbin/runc-pinned' }),
  };
}

/** Enables all services in a folder, as `systemctl enable` does. */
async function enable(folder: string): Promise<void> {
  const services = (await readdir(folder)).filter((name) => name.endsWith('.service'));
  await mkdir(join(folder, 'multi-user.target.wants'));
  for (const name of services) await symlink(`../${name}`, join(folder, 'multi-user.target.wants', name));
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
}

/** Secrets are among the files, and only root reads any of them. */
async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await writeFile(path, text, { mode: path.includes('/etc/systemd/network/') ? 0o644 : 0o600 });
}

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true });
  const sizes = names.map(async (name) => await stat(join(folder, name)).catch(() => undefined));
  return (await Promise.all(sizes)).reduce((sum, found) => sum + (found?.size ?? 0), 0);
}
