// SPDX-License-Identifier: Apache-2.0
import { startProcess } from '../process/start-process.ts';

/** How many lines of go's output an error repeats. */
const repeatedLines = 20;

/** Where and how the go command runs. */
export interface GoOptions {
  /** The folder of a module. */
  readonly folder: string;
  /** Whether packages may use the C compiler. */
  readonly usesC?: boolean;
}

/**
 * Runs the go command in a module's folder until it ends, and returns its output. On failure, rejects with the last
 * lines of the output. The build must depend only on the pinned versions, so it uses no workspace and no flags of the
 * user.
 */
export async function runGo(
  go: string,
  { folder, usesC = false }: GoOptions,
  ...args: readonly string[]
): Promise<string> {
  const [verb = ''] = args;
  await using running = startProcess({
    name: `go ${verb}`,
    command: [go, '-C', folder, ...args],
    environment: { CGO_ENABLED: usesC ? '1' : '0', GOFLAGS: '', GOWORK: 'off' },
  });
  const { code } = await running.exit;
  if (code === 0) return running.output;
  const tail = running.output.split('\n').slice(-repeatedLines).join('\n');
  // env(1), and programs like setpriv, end with this exit code if the program does not exist.
  if (code === 127) throw new Error(`no go command: install Go 1.26 or newer and put it in PATH\n${tail}`);
  throw new Error(`go ${verb} failed in ${folder}:\n${tail}${hintOf(tail)}`);
}

/** Returns the fix if one is known. */
function hintOf(output: string): string {
  if (/dial tcp|no such host|proxyconnect|i\/o timeout|connection refused|TLS handshake/i.test(output)) {
    return '\nThe module proxy cannot be reached: check the network, and go env GOPROXY.';
  }
  if (/requires go >= /.test(output)) return '\nThis Go is too old: install a newer one, or set GOTOOLCHAIN=auto.';
  if (/checksum mismatch|missing go\.sum entry|updates to go\.mod needed/.test(output)) {
    return '\ngo.mod and go.sum do not match: run go mod tidy in that folder and commit both.';
  }
  return '';
}
