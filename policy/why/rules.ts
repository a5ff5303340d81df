// SPDX-License-Identifier: Apache-2.0
import type { CauseRule } from './cause.ts';
import { findAllDevicesHeld } from './find-all-devices-held.ts';
import { findCertificateExpired } from './find-certificate-expired.ts';
import { findConflictLost } from './find-conflict-lost.ts';
import { findDraining } from './find-draining.ts';
import { findEnslaved } from './find-enslaved.ts';
import { findInterfaceAbsent } from './find-interface-absent.ts';
import { findInterfaceUnsuitable } from './find-interface-unsuitable.ts';
import { findLinkDown } from './find-link-down.ts';
import { findLinksLost } from './find-links-lost.ts';
import { findMacvtapUnsupported } from './find-macvtap-unsupported.ts';
import { findModeConflict } from './find-mode-conflict.ts';
import { findMtuAboveParent } from './find-mtu-above-parent.ts';
import { findNamespaceNotAdmitted } from './find-namespace-not-admitted.ts';
import { findNetworkMissing } from './find-network-missing.ts';
import { findNoCarrier } from './find-no-carrier.ts';
import { findNodeNotSelected } from './find-node-not-selected.ts';
import { findNotInjected } from './find-not-injected.ts';
import { findNotInstalled } from './find-not-installed.ts';
import { findNotRegistered } from './find-not-registered.ts';
import { findParentChanged } from './find-parent-changed.ts';
import { findParentVanished } from './find-parent-vanished.ts';
import { findPassthruExclusive } from './find-passthru-exclusive.ts';
import { findPluginNotOnNode } from './find-plugin-not-on-node.ts';
import { findPluginNotReady } from './find-plugin-not-ready.ts';
import { findPolicyInvalid } from './find-policy-invalid.ts';
import { findPolicyOutsideNamespace } from './find-policy-outside-namespace.ts';
import { findResourceMissing } from './find-resource-missing.ts';
import { findResourceUnknown } from './find-resource-unknown.ts';
import { findShadowed } from './find-shadowed.ts';
import { findTooManyDevices } from './find-too-many-devices.ts';
import { findUpstreamRunning } from './find-upstream-running.ts';
import { findWebhookDown } from './find-webhook-down.ts';

/**
 * The rules, in the order in which causes are to be mended: first what runs at all, then what is written, then what is on
 * the nodes, then what pods need of it. What is only told comes last.
 */
export const rules = [
  { name: 'find-not-installed', rule: findNotInstalled },
  { name: 'find-webhook-down', rule: findWebhookDown },
  { name: 'find-certificate-expired', rule: findCertificateExpired },
  { name: 'find-plugin-not-on-node', rule: findPluginNotOnNode },
  { name: 'find-plugin-not-ready', rule: findPluginNotReady },
  { name: 'find-macvtap-unsupported', rule: findMacvtapUnsupported },
  { name: 'find-upstream-running', rule: findUpstreamRunning },
  { name: 'find-policy-outside-namespace', rule: findPolicyOutsideNamespace },
  { name: 'find-policy-invalid', rule: findPolicyInvalid },
  { name: 'find-network-missing', rule: findNetworkMissing },
  { name: 'find-resource-missing', rule: findResourceMissing },
  { name: 'find-resource-unknown', rule: findResourceUnknown },
  { name: 'find-namespace-not-admitted', rule: findNamespaceNotAdmitted },
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
  { name: 'find-mode-conflict', rule: findModeConflict },
  { name: 'find-mtu-above-parent', rule: findMtuAboveParent },
  { name: 'find-not-injected', rule: findNotInjected },
  { name: 'find-too-many-devices', rule: findTooManyDevices },
  { name: 'find-all-devices-held', rule: findAllDevicesHeld },
  { name: 'find-link-down', rule: findLinkDown },
  { name: 'find-no-carrier', rule: findNoCarrier },
  { name: 'find-draining', rule: findDraining },
  { name: 'find-shadowed', rule: findShadowed },
] as const satisfies readonly { name: string; rule: CauseRule }[];
