// SPDX-License-Identifier: Apache-2.0
import { admits } from '../offers/admits.ts';
import { describeRequirements } from '../offers/describe-requirements.ts';
import { policiesOffering } from '../offers/policies-offering.ts';
import { warn } from '../reasons.ts';
import type { NadRule } from './rule.ts';

/**
 * The namespaceSelector of each policy that offers the resource should admit the network's namespace. It is only told:
 * the namespace of the pod decides, and networks that are shared from one namespace are common.
 *
 * Reads metadata.namespace by its labels; where they are not known nothing is said. Emits NamespaceNotAdmitted.
 */
export const checkNamespace: NadRule = ({ resource }, { offers, namespaceLabels }) =>
  resource === undefined || namespaceLabels === undefined
    ? []
    : policiesOffering(offers, resource)
        .filter((policy) => !admits(policy, namespaceLabels))
        .map(({ id, namespaces }) => {
          const wanted = `policy ${id} admits namespaces with ${describeRequirements(namespaces)}`;
          return warn('NamespaceNotAdmitted', 'metadata.namespace', `${wanted}: pods elsewhere cannot use ${resource}`);
        });
