// SPDX-License-Identifier: Apache-2.0

/** The image of the container that holds a pod's namespaces. */
export const pauseImage = 'localhost/pause:1';

/** The socket of a node's containerd, at the default path of both kubelet and ctr. */
export const containerdSocket = '/run/containerd/containerd.sock';

/** Lets systemd make the control groups of containers. `runc` is the program that starts them. */
const systemdCgroup = (runc: string) => `
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = true
BinaryName = '${runc}'
`;

interface ContainerdOptions {
  /** The path of runc on a node with systemd, which then manages the control groups of containers. */
  readonly runc?: string;
  /** The folder with a hosts.toml for each registry. containerd reads it at each pull. */
  readonly registries?: string;
}

/** Returns containerd's config.toml. Images are in the folder `root`. */
export function containerdConfig(root: string, { runc, registries }: ContainerdOptions = {}): string {
  return `version = 3
imports = []
root = '${root}'
state = '/run/containerd'

[grpc]
address = '${containerdSocket}'

[plugins.'io.containerd.cri.v1.images']
snapshotter = 'overlayfs'

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = '${pauseImage}'

[plugins.'io.containerd.cri.v1.runtime']
disable_apparmor = true
# Where the right to lower it is missing (SYS_RESOURCE), every pod would fail.
restrict_oom_score_adj = true

[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ['/opt/cni/bin']
conf_dir = '/etc/cni/net.d'
max_conf_num = 1
${runc === undefined ? '' : systemdCgroup(runc)}${registries === undefined ? '' : registryFolder(registries)}`;
}

function registryFolder(path: string): string {
  return `
[plugins.'io.containerd.cri.v1.images'.registry]
config_path = '${path}'
`;
}
