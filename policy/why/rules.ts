// SPDX-License-Identifier: Apache-2.0
import type { CauseRule } from './cause.ts';
import { findAllDevicesHeld } from './causes/find-all-devices-held.ts';
import { findAmbiguousKeys } from './causes/find-ambiguous-keys.ts';
import { findCertificateExpired } from './causes/find-certificate-expired.ts';
import { findConflictLost } from './causes/find-conflict-lost.ts';
import { findDeviceClassMissing } from './causes/find-device-class-missing.ts';
import { findDraining } from './causes/find-draining.ts';
import { findEnslaved } from './causes/find-enslaved.ts';
import { findExplicitInvalid } from './causes/find-explicit-invalid.ts';
import { findFormerParent } from './causes/find-former-parent.ts';
import { findInterfaceAbsent } from './causes/find-interface-absent.ts';
import { findInterfaceUnsuitable } from './causes/find-interface-unsuitable.ts';
import { findLinkDown } from './causes/find-link-down.ts';
import { findLinksLost } from './causes/find-links-lost.ts';
import { findMacvtapUnsupported } from './causes/find-macvtap-unsupported.ts';
import { findModeConflict } from './causes/find-mode-conflict.ts';
import { findMtuAboveParent } from './causes/find-mtu-above-parent.ts';
import { findMtuLowered } from './causes/find-mtu-lowered.ts';
import { findNamespaceNotAdmitted } from './causes/find-namespace-not-admitted.ts';
import { findNetworkMissing } from './causes/find-network-missing.ts';
import { findNoCarrier } from './causes/find-no-carrier.ts';
import { findNodeNotSelected } from './causes/find-node-not-selected.ts';
import { findNodeStateLeftOut } from './causes/find-node-state-left-out.ts';
import { findNodeUnschedulable } from './causes/find-node-unschedulable.ts';
import { findNotInjected } from './causes/find-not-injected.ts';
import { findNotInstalled } from './causes/find-not-installed.ts';
import { findNotRegistered } from './causes/find-not-registered.ts';
import { findParentChanged } from './causes/find-parent-changed.ts';
import { findParentVanished } from './causes/find-parent-vanished.ts';
import { findPassthruExclusive } from './causes/find-passthru-exclusive.ts';
import { findPluginNotOnNode } from './causes/find-plugin-not-on-node.ts';
import { findPluginNotReady } from './causes/find-plugin-not-ready.ts';
import { findPolicyInvalid } from './causes/find-policy-invalid.ts';
import { findPolicyOutsideNamespace } from './causes/find-policy-outside-namespace.ts';
import { findResourceMissing } from './causes/find-resource-missing.ts';
import { findResourceUnknown } from './causes/find-resource-unknown.ts';
import { findShadowed } from './causes/find-shadowed.ts';
import { findStartFailed } from './causes/find-start-failed.ts';
import { findTooManyDevices } from './causes/find-too-many-devices.ts';
import { findUpstreamRunning } from './causes/find-upstream-running.ts';
import { findVlanMissing } from './causes/find-vlan-missing.ts';
import { findWebhookDown } from './causes/find-webhook-down.ts';

/**
 * All rules, in the order in which to fix their causes: first the installation, then policies and networks, then nodes,
 * then pods. Rules that find only notes come after these, and find-start-failed is last.
 */
export const rules = [
  { name: 'find-not-installed', rule: findNotInstalled },
  { name: 'find-webhook-down', rule: findWebhookDown },
  { name: 'find-certificate-expired', rule: findCertificateExpired },
  { name: 'find-plugin-not-on-node', rule: findPluginNotOnNode },
  { name: 'find-plugin-not-ready', rule: findPluginNotReady },
  { name: 'find-node-state-left-out', rule: findNodeStateLeftOut },
  { name: 'find-macvtap-unsupported', rule: findMacvtapUnsupported },
  { name: 'find-vlan-missing', rule: findVlanMissing },
  { name: 'find-upstream-running', rule: findUpstreamRunning },
  { name: 'find-policy-outside-namespace', rule: findPolicyOutsideNamespace },
  { name: 'find-policy-invalid', rule: findPolicyInvalid },
  { name: 'find-explicit-invalid', rule: findExplicitInvalid },
  { name: 'find-ambiguous-keys', rule: findAmbiguousKeys },
  { name: 'find-network-missing', rule: findNetworkMissing },
  { name: 'find-resource-missing', rule: findResourceMissing },
  { name: 'find-resource-unknown', rule: findResourceUnknown },
  { name: 'find-namespace-not-admitted', rule: findNamespaceNotAdmitted },
  { name: 'find-node-unschedulable', rule: findNodeUnschedulable },
  { name: 'find-node-not-selected', rule: findNodeNotSelected },
  { name: 'find-enslaved', rule: findEnslaved },
  { name: 'find-interface-unsuitable', rule: findInterfaceUnsuitable },
  { name: 'find-conflict-lost', rule: findConflictLost },
  { name: 'find-passthru-exclusive', rule: findPassthruExclusive },
  { name: 'find-interface-absent', rule: findInterfaceAbsent },
  { name: 'find-parent-vanished', rule: findParentVanished },
  { name: 'find-links-lost', rule: findLinksLost },
  { name: 'find-parent-changed', rule: findParentChanged },
  { name: 'find-not-registered', rule: findNotRegistered },
  { name: 'find-device-class-missing', rule: findDeviceClassMissing },
  { name: 'find-mode-conflict', rule: findModeConflict },
  { name: 'find-mtu-above-parent', rule: findMtuAboveParent },
  { name: 'find-mtu-lowered', rule: findMtuLowered },
  { name: 'find-not-injected', rule: findNotInjected },
  { name: 'find-too-many-devices', rule: findTooManyDevices },
  { name: 'find-all-devices-held', rule: findAllDevicesHeld },
  { name: 'find-link-down', rule: findLinkDown },
  { name: 'find-no-carrier', rule: findNoCarrier },
  { name: 'find-draining', rule: findDraining },
  { name: 'find-shadowed', rule: findShadowed },
  { name: 'find-former-parent', rule: findFormerParent },
  { name: 'find-start-failed', rule: findStartFailed },
] as const satisfies readonly { name: string; rule: CauseRule }[];
