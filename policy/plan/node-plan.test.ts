// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { reasons } from '../reasons.ts';
import { describeFinding } from './node-plan.ts';

it('describeFinding returns the origin, entry, interface, resource, reason and values', () => {
  const policy = { source: 'policy', policy: 'ns/p', entry: 2 } as const;
  assert.equal(
    describeFinding({ code: 'Shadowed', ...policy, interface: 'eth2', resource: 'data', by: 'eth1' }),
    `ns/p[2] eth2 as data: ${reasons.Shadowed} (first: eth1)`,
  );
  assert.equal(
    describeFinding({ code: 'Enslaved', ...policy, interface: 'eth2', by: 'br0' }),
    `ns/p[2] eth2: ${reasons.Enslaved} (master: br0)`,
  );
  assert.equal(
    describeFinding({ code: 'IllegalResourceName', source: 'implicit', interface: 'é', resource: 'é' }),
    `implicit é: ${reasons.IllegalResourceName}`,
  );
  assert.equal(
    describeFinding({ code: 'ExplicitInvalid', source: 'explicit', value: 'no JSON' }),
    `explicit: ${reasons.ExplicitInvalid} (no JSON)`,
  );
});
