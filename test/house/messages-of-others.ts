// SPDX-License-Identifier: Apache-2.0

/** Messages of other programs that docs/how-to/troubleshoot.md quotes, each with the program that prints it. */
export const messagesOfOthers: Readonly<Record<string, string>> = {
  'no matches for kind "MacvtapNetworkNodePolicy" in version "macvtap.network.kubevirt.io/v1alpha1"': 'kubectl',
  'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply"': 'API server',
  'failed calling webhook "….macvtap.network.kubevirt.io": …: no endpoints available for service "kube-macvtap-webhook"':
    'API server',
  'failed calling webhook "….macvtap.network.kubevirt.io": …: context deadline exceeded': 'API server',
  'failed calling webhook "….macvtap.network.kubevirt.io": …: x509: certificate signed by unknown authority':
    'API server',
  'Insufficient macvtap.network.kubevirt.io/…': 'kube-scheduler',
  'Allocate failed due to no healthy devices present; cannot allocate unhealthy devices macvtap.network.kubevirt.io/…, which is unexpected':
    'kubelet, pkg/kubelet/cm/devicemanager/manager.go',
  'Allocate failed due to requested number of devices unavailable for macvtap.network.kubevirt.io/…. Requested: …, Available: …, which is unexpected':
    'kubelet, pkg/kubelet/cm/devicemanager/manager.go',
  'cannot find a network-attachment-definition (…) in namespace (…): network-attachment-definitions.k8s.cni.cncf.io "…" not found':
    'Multus, pkg/k8sclient/k8sclient.go',
  'failed to find plugin "macvtap" in path [/opt/cni/bin]': 'libcni, pkg/invoke/find.go',
  'failed to apply OCI options: lstat /dev/tap…: no such file or directory': 'containerd',
  'cannot open macvtap tap device /dev/tap…: Permission denied': 'libvirt, virNetDevMacVLanTapOpen',
};
