// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Log } from '../../runtime/log.ts';
import { nic, plan, policy } from '../../test/fixtures/plan/build-example.ts';
import { logPlan } from './log-plan.ts';

const eth1 = { parentIface: 'eth1', resourceName: 'data' };

/** What is logged, as `level message` and the fields without the findings' wording. */
function record(): { log: Log; lines: unknown[] } {
  const lines: unknown[] = [];
  const at = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) => {
    const { finding, ...rest } = fields;
    if (finding !== undefined) assert.match(String(finding), /^\S.*: ./);
    lines.push([`${level} ${message}`, rest]);
  };
  return { log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, lines };
}

it('a plan is logged in one line, then its conflicts as warnings, then what it does not expose', () => {
  const { log, lines } = record();
  const policies = [
    policy('a', { parentSelector: [eth1, { parentIface: 'eth2' }] }),
    policy('b', { parentSelector: [eth1] }),
  ];
  logPlan(plan({ interfaces: [nic('eth1')], policies }), 'edit', log);
  assert.deepEqual(lines, [
    ['info plan in force', { source: 'policy', cause: 'edit', resources: ['data=eth1/bridge/100'] }],
    ['warn conflict', { code: 'ResourceNameTaken' }],
    ['info not exposed', { code: 'NothingFound' }],
  ]);
});

it('what implicit exposure passes over is only for who debugs', () => {
  const { log, lines } = record();
  logPlan(plan({ interfaces: [nic('lo', { loopback: true })] }), 'links', log);
  assert.deepEqual(lines, [
    ['info plan in force', { source: 'implicit', cause: 'links', resources: [] }],
    ['debug not exposed', { code: 'Loopback' }],
  ]);
});
