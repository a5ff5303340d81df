// SPDX-License-Identifier: Apache-2.0
import { startProcess } from '../process/start-process.ts';

/** How much of what go printed an error repeats. */
const repeatedLines = 20;

/**
 * Runs the go command to its end in a module's folder and returns what it printed. Raises with the last lines of it when
 * it fails. What is built must depend on the pinned versions alone: no workspace, no C compiler, no flags of a person.
 */
export async function runGo(go: string, folder: string, ...args: readonly string[]): Promise<string> {
  const [verb = ''] = args;
  await using running = startProcess({
    name: `go ${verb}`,
    command: [go, '-C', folder, ...args],
    environment: { CGO_ENABLED: '0', GOFLAGS: '', GOWORK: 'off' },
  });
  const { code } = await running.exit;
  if (code === 0) return running.output;
  const tail = running.output.split('\n').slice(-repeatedLines).join('\n');
  // What env(1), and setpriv like it, answer where there is no such program.
  if (code === 127) throw new Error(`no go command: install Go 1.24 or newer and put it in PATH\n${tail}`);
  throw new Error(`go ${verb} failed in ${folder}:\n${tail}${hintOf(tail)}`);
}

/** What a person can do about it, where that is known. */
function hintOf(output: string): string {
  if (/dial tcp|no such host|proxyconnect|i\/o timeout|connection refused|TLS handshake/i.test(output)) {
    return '\nThe module proxy cannot be reached: check the network, and go env GOPROXY.';
  }
  if (/requires go >= /.test(output)) return '\nThis Go is too old: install a newer one, or set GOTOOLCHAIN=auto.';
  if (/checksum mismatch|missing go\.sum entry|updates to go\.mod needed/.test(output)) {
    return '\ngo.mod and go.sum do not agree: run go mod tidy in that folder and commit both.';
  }
  return '';
}
