// SPDX-License-Identifier: Apache-2.0

/** Every reason that an event of ours gives. The names are a contract: docs/events.md has the same table. */
export const eventReasons = {
  AllocateFailed:
    'Node: kubelet asked for devices, or for a start with them, and was refused; the pod has the text too',
  AttachFailed: 'Pod: the CNI plugin could not attach it to a network; the code stands in docs/errors.md',
  AttachmentLost: 'Pod: the parent of its macvtap went, and the macvtap with it; delete the pod to have it made anew',
  AttachmentsLost: 'Node: a parent went with the macvtaps of running pods, each of which has AttachmentLost',
  CertificateNotRenewed:
    'Service: the certificate that the webhook shows should have been renewed and was not; its log says why',
  CNIPluginMissing: 'Node: the CNI plugin could not be put where the container runtime looks for it',
  MacvtapUnsupported: 'Node: the running kernel has no macvtap, so no device can be given out',
  ParentReturned: 'Node: a resource whose parent could not be used gives out devices again',
  ParentUnusable:
    'Node: a resource gives out nothing, since its parent cannot be used; the code stands in docs/reasons.md',
  ParentVanished: 'Node: the parent of a resource is not there any more, and nothing of it is given out',
  PolicyConflict: 'MacvtapNetworkNodePolicy: another policy comes first on some nodes, which are named',
  ResourceNotOffered: 'NetworkAttachmentDefinition: no node exposes its resource, so pods with it stay Pending',
  UpstreamPluginRunning: "Node: macvtap-cni's own device plugin serves a resource, which is not registered beside it",
} as const satisfies Record<string, string>;

export type EventReason = keyof typeof eventReasons;
