// SPDX-License-Identifier: Apache-2.0
import { isOutsideNamespace } from '../../plan/plan-node.ts';
import type { Cause, CauseRule } from '../cause.ts';
import { kubectl, placeOf } from '../suggested-commands.ts';

/** Checks that the policy is in the installation's namespace. In any other namespace, it has no effect. */
export const findPolicyOutsideNamespace: CauseRule = ({ policies, subject, shortages }, { policyNamespace }) =>
  policies.filter(isOutsideNamespace).map(({ id }): Cause => {
    const [name, , namespace] = placeOf(id);
    const edits = `-e '/^  resourceVersion: /d' -e '/^  uid: /d' -e 's/^  namespace: .*/  namespace: ${policyNamespace}/'`;
    return {
      code: 'PolicyOutsideNamespace',
      isNote: subject.kind !== 'policy' && shortages.length === 0,
      policy: id,
      detail: `it is in namespace ${namespace}, but policies count only in ${policyNamespace}`,
      fix: {
        text: `move it to namespace ${policyNamespace}`,
        commands: [
          `${kubectl('get', 'mvnnp', name, '-n', namespace, '-o', 'yaml')} | sed ${edits} | kubectl create -f -`,
          kubectl('delete', 'mvnnp', name, '-n', namespace),
        ],
      },
    };
  });
