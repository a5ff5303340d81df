// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MacvtapError } from '../../runtime/errors.ts';
import { describeOutage } from './describe-outage.ts';

const server = 'https://10.96.0.1:443';
const away = (text: string) => new MacvtapError('ApiServerUnreachable', text);
const refused = new MacvtapError('ApiServerRefused', 'list of Nodes: 403');

describe('the problems of watches', () => {
  it('are nothing where there are none', () => {
    assert.deepEqual(describeOutage(server, [{ what: 'Nodes', problem: undefined }], []), []);
  });

  it('are one fault for a server that is away, and one for each kind that is refused', () => {
    const problems = [
      { what: 'Nodes', problem: refused },
      { what: 'Namespaces', problem: away('ECONNREFUSED') },
      { what: 'Secrets', problem: new MacvtapError('DeadlineExceeded', 'no answer') },
    ];
    assert.deepEqual(describeOutage(server, problems, []), [
      { where: server, message: 'ECONNREFUSED', isOutage: true },
      { where: 'Nodes', message: 'list of Nodes: 403' },
    ]);
  });

  it('keep the text that they had first for as long as they last', () => {
    const first = describeOutage(server, [{ what: 'Nodes', problem: away('ECONNRESET') }], []);
    const later = describeOutage(server, [{ what: 'Nodes', problem: away('ECONNREFUSED') }], first);
    assert.deepEqual(later, first);
    const again = describeOutage(server, [{ what: 'Nodes', problem: away('ETIMEDOUT') }], []);
    assert.equal(again[0]?.message, 'ETIMEDOUT');
  });
});
