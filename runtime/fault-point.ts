// SPDX-License-Identifier: Apache-2.0
import { type FaultPointName, faultPoints } from './fault-points.ts';

/**
 * A step after which a crash matters. Does nothing, unless the variable MACVTAP_TEST_FAULT names the point: then the
 * process kills itself there, as the kernel would kill it, with nothing cleaned up.
 *
 * @example MACVTAP_TEST_FAULT=file-before-rename:3   // at the third time
 */
export function faultPoint(name: FaultPointName): void {
  if (armed === undefined || armed.name !== name) return;
  armed.remaining -= 1;
  // The kernel lets no thread that called kill(2) on its own process return to user mode, so nothing follows.
  if (armed.remaining === 0) process.kill(process.pid, 'SIGKILL');
}

/** What the variable says. A name that no point has is raised, since a test that kills nobody would pass. */
export function readArmed(text: string | undefined): { readonly name: FaultPointName; remaining: number } | undefined {
  if (text === undefined || text === '') return undefined;
  const [, name = '', times = '1'] = /^([^:]+)(?::([1-9]\d*))?$/.exec(text) ?? [];
  if (!isFaultPoint(name)) {
    throw new Error(
      `MACVTAP_TEST_FAULT=${text} is not understood: write one of ${Object.keys(faultPoints)}, or <name>:<n>`,
    );
  }
  return { name, remaining: Number(times) };
}

function isFaultPoint(name: string): name is FaultPointName {
  return Object.hasOwn(faultPoints, name);
}

/** Outside the prefix of the flags' variables, so that no flag can arm it; read once, so that nobody pays for it. */
const armed = readArmed(process.env.MACVTAP_TEST_FAULT);
