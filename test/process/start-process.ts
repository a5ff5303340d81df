// SPDX-License-Identifier: Apache-2.0
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { plainEnvironment } from './plain-environment.ts';

export interface ProcessOptions {
  /** Its name in errors. */
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly environment?: Readonly<Record<string, string>>;
  readonly onLine?: (line: string) => void;
  /** Whether the process has a writable standard input; otherwise, its input is /dev/null. */
  readonly hasInput?: boolean;
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A real process under test. Disposing of it terminates the process, first with SIGTERM. */
export interface RunningProcess extends AsyncDisposable {
  readonly pid: number;
  /** Everything that the process has printed so far, in both streams. */
  readonly output: string;
  readonly exit: Promise<Exit>;
  /**
   * Waits until a line of the output matches. Fails with the whole output if the process ends first, or after
   * `timeoutMs`.
   */
  waitForLine(pattern: RegExp, timeoutMs?: number): Promise<string>;
  /** Writes to the standard input. It has no effect after the process has ended. */
  write(text: string): void;
  signal(name: NodeJS.Signals): void;
  /** Sends SIGTERM, and SIGKILL if the process still runs after `graceMs`. */
  stop(graceMs?: number): Promise<Exit>;
}

/**
 * Starts a process that ends with this one, even if this one is killed. setpriv requests this by PR_SET_PDEATHSIG
 * (prctl(2)) and then executes the command. The setting survives execve.
 */
export function startProcess(options: ProcessOptions): RunningProcess {
  const { name, command, environment = {}, onLine, hasInput = false } = options;
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], {
    stdio: [hasInput ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    env: { ...plainEnvironment(), ...environment },
  }) as ChildProcessByStdio<Writable | null, Readable, Readable>;
  // Ignores errors if the process ends before it has read its input: `exit` reports the end.
  child.stdin?.on('error', () => {});
  const lines: string[] = [];
  const watchers = new Set<() => void>();
  let ended: Exit | undefined;
  const exit = new Promise<Exit>((resolve) => {
    child.once('error', (error) => {
      lines.push(`${name}: ${error.message}`);
      resolve({ code: null, signal: null });
    });
    child.once('close', (code, signal) => resolve({ code, signal }));
  }).then((how) => {
    ended = how;
    for (const watcher of watchers) watcher();
    return how;
  });
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    const take = (whole: readonly string[]) => {
      for (const line of whole) {
        lines.push(line);
        onLine?.(line);
      }
      for (const watcher of watchers) watcher();
    };
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      take(parts);
    });
    // A last line without a newline is often the error message.
    stream.once('end', () => take(rest === '' ? [] : [rest]));
  }

  const output = () => lines.join('\n');
  const stop = async (graceMs = 30_000): Promise<Exit> => {
    if (ended !== undefined) return ended;
    child.kill('SIGTERM');
    using timer = new DisposableStack();
    const hard = setTimeout(() => child.kill('SIGKILL'), graceMs);
    timer.defer(() => clearTimeout(hard));
    return await exit;
  };
  return {
    pid: child.pid ?? -1,
    get output() {
      return output();
    },
    exit,
    async waitForLine(pattern, timeoutMs = 90_000) {
      let isOver = false;
      let news = Promise.withResolvers<void>();
      const watcher = () => news.resolve();
      const guard = setTimeout(() => {
        isOver = true;
        watcher();
      }, timeoutMs);
      watchers.add(watcher);
      using scope = new DisposableStack();
      scope.defer(() => watchers.delete(watcher));
      scope.defer(() => clearTimeout(guard));
      for (let seen = 0; ; news = Promise.withResolvers()) {
        for (; seen < lines.length; seen += 1) {
          if (pattern.test(lines[seen] as string)) return lines[seen] as string;
        }
        if (ended !== undefined) throw new Error(`${name} ended before it printed ${pattern}:\n${output()}`);
        if (isOver) throw new Error(`${name} did not print ${pattern}:\n${output()}`);
        await news.promise;
      }
    },
    write: (text) => void child.stdin?.write(text),
    signal: (signal) => void child.kill(signal),
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}
