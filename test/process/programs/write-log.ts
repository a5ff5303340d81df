// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../../runtime/errors.ts';
import { createLog, type LogLevel } from '../../../runtime/log.ts';

/** Logs one line of each kind, and is then killed before anything asynchronous could run. */
const [, , level, terminal] = process.argv;

const log = createLog(level as LogLevel, terminal === 'terminal');
const facts = { device: 'dataMvp3', parent: 'eth1' };
log.debug({}, 'details');
log.info({ policy: { namespace: 'ns', name: 'p' } }, 'plan in force');
log.warn({ error: new MacvtapError('ParentGone', 'eth1 does not exist', { facts }) }, 'call failed');
log.warn({ error: 'a text' }, 'text failed');
log.error({ error: MacvtapError.from(new TypeError('a bug of ours')) }, 'bug');
process.kill(process.pid, 'SIGKILL');
