// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The code that was executed since the last count. */
export interface Look {
  /** Executed blocks of code, libraries included. This measures work independently of the machine's speed. */
  readonly steps: number;
  /** Characters of the project's source that ran for the first time. */
  readonly fresh: number;
}

export interface Coverage extends Disposable {
  /**
   * Returns the counts since the last call, and resets them to zero. Code counts as fresh until a call with `keeps`
   * (the default) has counted it.
   */
  look(options?: { readonly keeps: boolean }): Look;
  /** Characters of source that have run so far. */
  readonly covered: number;
}

/** Opens V8's block coverage with counts. It covers modules that are loaded afterwards. */
export function openCoverage(): Coverage {
  const session = new Session();
  session.connect();
  const post = <Value>(method: string, params?: object): Value => {
    let answer: Value | undefined;
    // The session is on the same thread, so the answer arrives before post() returns.
    session.post(method, params, (error: Error | null, result: unknown) => {
      if (error) throw error;
      answer = result as Value;
    });
    return answer as Value;
  };
  post('Profiler.enable');
  post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  const project = pathToFileURL(fileURLToPath(new URL('../../', import.meta.url))).href;
  const libraries = `${project}node_modules/`;
  const tests = `${project}test/`;
  const seen = new Map<string, Uint8Array>();
  let covered = 0;

  const mark = ({ url, functions }: ScriptCoverage, keeps: boolean): number => {
    const known = seen.getOrInsertComputed(url, () => new Uint8Array(readFileSync(fileURLToPath(url), 'utf8').length));
    // Functions and their ranges are ordered from the outside to the inside, and inner ranges are more precise.
    const ran = new Uint8Array(known.length);
    for (const { startOffset, endOffset, count } of functions.flatMap(({ ranges }) => ranges)) {
      ran.fill(count > 0 ? 1 : 0, startOffset, endOffset);
    }
    let fresh = 0;
    for (let i = 0; i < ran.length; i += 1) {
      if (ran[i] === 0 || known[i] !== 0) continue;
      if (keeps) known[i] = 1;
      fresh += 1;
    }
    return fresh;
  };

  return {
    look({ keeps } = { keeps: true }) {
      const { result } = post<{ result: readonly ScriptCoverage[] }>('Profiler.takePreciseCoverage');
      const scripts = result.filter(({ url }) => url.startsWith('file:') && !url.startsWith(tests));
      const steps = scripts
        .flatMap(({ functions }) => functions)
        .flatMap(({ ranges }) => ranges)
        .reduce((sum, { count }) => sum + count, 0);
      const ours = scripts.filter(({ url }) => url.startsWith(project) && !url.startsWith(libraries));
      const fresh = ours.reduce((sum, script) => sum + mark(script, keeps), 0);
      if (keeps) covered += fresh;
      return { steps, fresh };
    },
    get covered() {
      return covered;
    },
    [Symbol.dispose]: () => session.disconnect(),
  };
}

interface ScriptCoverage {
  readonly url: string;
  readonly functions: readonly {
    readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
  }[];
}
