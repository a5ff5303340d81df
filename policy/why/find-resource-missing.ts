// SPDX-License-Identifier: Apache-2.0
import { resourceAnnotation } from '../nad/read-nad.ts';
import { resourcePrefix } from '../plan/resource-name.ts';
import type { Cause, CauseRule } from './cause.ts';
import { kubectl, placeOf } from './kubectl.ts';

/** As many as a person chooses from. */
const mostChoices = 5;

/** A macvtap network says by its annotation which resource its pods need; without it they get no device. */
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
            : `its annotation names no resource of ours: ${facts.annotation}`,
        fix: {
          text:
            choices.length === 0
              ? 'name a resource, once a policy offers one'
              : `name a resource: ${choices.join(', ')}`,
          commands: [kubectl('annotate', 'network-attachment-definitions', ...placeOf(key), '--overwrite', value)],
        },
      };
    });
