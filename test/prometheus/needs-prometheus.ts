// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';

/** The `skip` option of tests with Prometheus or its promtool: `false`, or the missing program. */
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
