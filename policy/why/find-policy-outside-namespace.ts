// SPDX-License-Identifier: Apache-2.0
import { isOutsideNamespace } from '../plan/sources.ts';
import type { Cause, CauseRule } from './cause.ts';
import { kubectl, placeOf } from './kubectl.ts';

/** The policy stands in the installation's namespace; elsewhere it counts nowhere. */
export const findPolicyOutsideNamespace: CauseRule = ({ policies, subject, lacks }, { policyNamespace }) =>
  policies.filter(isOutsideNamespace).map(({ id }): Cause => {
    const [name, , namespace] = placeOf(id);
    const edits = `-e '/^  resourceVersion: /d' -e '/^  uid: /d' -e 's/^  namespace: .*/  namespace: ${policyNamespace}/'`;
    return {
      code: 'PolicyOutsideNamespace',
      isNote: subject.kind !== 'policy' && lacks.length === 0,
      policy: id,
      detail: `it stands in ${namespace}, and policies count in ${policyNamespace} alone`,
      fix: {
        text: 'make it there',
        commands: [
          `${kubectl('get', 'mvnnp', name, '-n', namespace, '-o', 'yaml')} | sed ${edits} | kubectl create -f -`,
          kubectl('delete', 'mvnnp', name, '-n', namespace),
        ],
      },
    };
  });
