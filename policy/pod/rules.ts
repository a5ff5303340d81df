// SPDX-License-Identifier: Apache-2.0
import { checkDeviceCount } from './check-device-count.ts';
import { checkNamespaceAdmitted } from './check-namespace-admitted.ts';
import { checkNetworksAnnotated } from './check-networks-annotated.ts';
import { checkNetworksAnnotation } from './check-networks-annotation.ts';
import { checkNetworksFound } from './check-networks-found.ts';
import { checkResourceOffered } from './check-resource-offered.ts';
import type { PodRule } from './rule.ts';

/** The rules of a pod, in the order in which their verdicts are told. Each is fed by test/fixtures/pod/<name>. */
export const rules = [
  { name: 'check-namespace-admitted', rule: checkNamespaceAdmitted },
  { name: 'check-resource-offered', rule: checkResourceOffered },
  { name: 'check-device-count', rule: checkDeviceCount },
  { name: 'check-networks-annotation', rule: checkNetworksAnnotation },
  { name: 'check-networks-found', rule: checkNetworksFound },
  { name: 'check-networks-annotated', rule: checkNetworksAnnotated },
] as const satisfies readonly { name: string; rule: PodRule }[];
