// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { nodeFolder } from '../layout.ts';

/** The image of the container that holds a pod's namespaces. */
export const pauseImage = 'localhost/pause:1';

/** The socket of a node's containerd, at the default path of both kubelet and ctr. */
export const containerdSocket = '/run/containerd/containerd.sock';

/**
 * Returns containerd's config.toml for a node. Images are outside of the node's own trees: these are overlays, on which
 * containerd could not create the overlays of containers.
 */
export function containerdConfig(node: string): string {
  const root = join(nodeFolder(node), 'containerd');
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
`;
}
