// SPDX-License-Identifier: Apache-2.0
import { resourceAnnotation } from '../../nad/read-nad.ts';
import { resourcePrefix } from '../../plan/resource.ts';
import type { Cause, CauseRule } from '../cause.ts';
import { kubectl, placeOf } from '../suggested-commands.ts';

/** The maximum number of resources in the fix. */
const mostChoices = 5;

/** Checks that a macvtap network names its resource in an annotation. Without it, pods get no device. */
export const findResourceMissing: CauseRule = ({ networks, offers }) =>
  networks
    .filter(({ facts, resource }) => facts !== undefined && facts.plugins.length > 0 && resource === undefined)
    .map(({ key, facts }): Cause => {
      const choices = offers.resources.slice(0, mostChoices);
      const [only, ...more] = choices;
      const isSure = only !== undefined && more.length === 0;
      const value = `${resourceAnnotation}=${resourcePrefix}${isSure ? only : 'RESOURCE'}`;
      return {
        code: 'ResourceMissing',
        isNote: false,
        network: key,
        detail:
          facts?.annotation === undefined
            ? `it has no annotation ${resourceAnnotation}`
            : `its annotation does not name a macvtap resource: ${facts.annotation}`,
        fix: {
          text:
            choices.length === 0
              ? 'create a policy that offers a resource, then name that'
              : `name a resource: ${choices.join(', ')}`,
          commands: [kubectl('annotate', 'network-attachment-definitions', ...placeOf(key), '--overwrite', value)],
        },
      };
    });
