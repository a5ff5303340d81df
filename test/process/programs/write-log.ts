// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../../runtime/errors.ts';
import { createLog, type LogLevel } from '../../../runtime/log.ts';

/** Logs one line of each kind. It is then killed before anything asynchronous can run. */
const [, , level, terminal] = process.argv;

const log = createLog(level as LogLevel, terminal === 'terminal');
const facts = { device: 'dataMvp3', parent: 'eth1' };
log.debug({}, 'details');
log.info({ policy: { namespace: 'ns', name: 'p' } }, 'plan in force');
log.warn({ error: new MacvtapError('ParentGone', 'eth1 does not exist', { facts }) }, 'call failed');
log.warn({ error: 'a text' }, 'text failed');
log.warn({ name: 'eth0\u202egnp\u009b8m', error: new Error('\u001b[8mhidden') }, 'hostile');
log.error({ error: MacvtapError.from(new TypeError('a bug in the program')) }, 'bug');
process.kill(process.pid, 'SIGKILL');
