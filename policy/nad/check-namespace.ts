// SPDX-License-Identifier: Apache-2.0
import { admits, describeRequirements } from '../offers/policies-governing.ts';
import { warn } from '../reasons.ts';
import type { NadRule } from './read-nad.ts';

/**
 * Warns if a policy that governs the resource (see policiesGoverning) does not admit the network's namespace by its
 * namespaceSelector. This is only a warning, because the pod's namespace decides, and many clusters share networks from
 * one namespace.
 *
 * Reads the labels of metadata.namespace. Emits NamespaceNotAdmitted, or nothing if the labels are unknown.
 */
export const checkNamespace: NadRule = ({ resource }, { offers, namespaceLabels }) =>
  resource === undefined || namespaceLabels === undefined
    ? []
    : offers.governing
        .of(resource)
        .filter((policy) => !admits(policy, namespaceLabels))
        .map(({ id, namespaces }) => {
          const wanted = `policy ${id} admits namespaces with ${describeRequirements(namespaces)}`;
          return warn('NamespaceNotAdmitted', 'metadata.namespace', `${wanted}: pods elsewhere cannot use ${resource}`);
        });
