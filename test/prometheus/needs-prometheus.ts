// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';

/** What tests with Prometheus, or its promtool, give as `skip`: `false`, or what is missing. */
export const needsPrometheus: false | string =
  isThere('prometheus') && isThere('promtool')
    ? false
    : 'needs Prometheus: apt-get install prometheus (its service is not needed)';

function isThere(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
