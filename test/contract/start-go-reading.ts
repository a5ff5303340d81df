// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdtempDisposableSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { runGo } from '../binaries/run-go.ts';

/** The result of Go's readers for one text (go-reading/main.go). */
export interface GoReading {
  /**
   * The plugin types that a network's config runs. There is one list for each way in which a plugin can get the config.
   */
  readonly networks: readonly { readonly name: string; readonly types: readonly string[] }[];
  /** The elements of a pod's annotation; null if Multus refuses it. */
  readonly elements: readonly { readonly name: string; readonly namespace: string }[] | null;
  /** The fields of a plugin's standard input; null if it cannot be decoded. */
  readonly own: Readonly<Record<string, unknown>> | null;
}

/**
 * Returns the reason why the program cannot be built here, or false if it can. The value is for a test's `skip` option.
 */
export function lacksGo(): false | string {
  return spawnSync('go', ['version']).error === undefined ? false : 'no go command: install Go 1.26 or newer';
}

/** Builds the program that reads as Go does. Returns a function that passes it many texts at once. */
export async function buildGoReading(): Promise<Disposable & { read(texts: readonly string[]): readonly GoReading[] }> {
  const built = mkdtempDisposableSync(`${tmpdir()}/go-reading-`);
  const program = `${built.path}/go-reading`;
  try {
    const folder = fileURLToPath(new URL('go-reading/', import.meta.url));
    await runGo('go', { folder }, 'build', '-o', program, 'main.go');
  } catch (thrown) {
    built.remove();
    throw thrown;
  }
  return {
    read(texts) {
      const input = texts.map((text) => `${JSON.stringify(text)}\n`).join('');
      const { stdout, stderr, status } = spawnSync(program, { input, encoding: 'utf8', maxBuffer: 1 << 28 });
      if (status !== 0) throw new Error(`go-reading exited with ${status}: ${stderr}`);
      return stdout
        .trimEnd()
        .split('\n')
        .map((line): GoReading => JSON.parse(line));
    },
    [Symbol.dispose]: () => built.remove(),
  };
}
