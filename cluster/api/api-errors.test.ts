// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MacvtapError } from '../../runtime/errors.ts';
import { describeOutage } from './api-errors.ts';
import { backOffMs } from './back-off.ts';

const server = 'https://10.96.0.1:443';
const away = (text: string) => new MacvtapError('ApiServerUnreachable', text);
const refused = new MacvtapError('ApiServerRefused', 'list of Nodes: 403');

describe('the errors of watches', () => {
  it('are an empty list if there are none', () => {
    assert.deepEqual(describeOutage(server, [{ what: 'Nodes', problem: undefined }], []), []);
  });

  it('are one error for an unreachable server, and one error for each refused kind', () => {
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

  it('keep their first message while they last', () => {
    const first = describeOutage(server, [{ what: 'Nodes', problem: away('ECONNRESET') }], []);
    const later = describeOutage(server, [{ what: 'Nodes', problem: away('ECONNREFUSED') }], first);
    assert.deepEqual(later, first);
    const again = describeOutage(server, [{ what: 'Nodes', problem: away('ETIMEDOUT') }], []);
    assert.equal(again[0]?.message, 'ETIMEDOUT');
  });
});

const never = () => 0;
const always = () => 1;

describe('the wait after failures', () => {
  it('doubles from 200 ms and stays at 30 s, for any number of failures', () => {
    const waits = [1, 2, 3, 8, 9, 5_000].map((failures) => backOffMs(failures, {}, never));
    assert.deepEqual(waits, [200, 400, 800, 25_600, 30_000, 30_000]);
  });

  it('is reduced by a random part, at most to its half', () => {
    assert.deepEqual([backOffMs(1, {}, always), backOffMs(9, {}, always)], [100, 15_000]);
  });

  it('is at most 3 s during an outage, so that the state is current 5 s after its end', () => {
    const waits = [1, 4, 5, 5_000].map((failures) => backOffMs(failures, { isOutage: true }, never));
    assert.deepEqual(waits, [200, 1_600, 3_000, 3_000]);
  });

  it('is at least the Retry-After of the server, up to 30 s', () => {
    assert.equal(backOffMs(1, { retryAfterMs: 5_000 }, never), 5_000);
    assert.equal(backOffMs(1, { retryAfterMs: 5_000 }, always), 7_500);
    assert.equal(backOffMs(1, { retryAfterMs: 86_400_000 }, never), 30_000);
  });
});
