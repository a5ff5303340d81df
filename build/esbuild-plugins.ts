// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';

/** The data files that the programs read at run time: schemas. */
export const dataLoaders = { '.yaml': 'file' } as const;

/** Matches `new URL('./kind.yaml', import.meta.url)` outside of comments. The group is the path. */
const reference = /(?<!^ *(?:\*|\/\/).*)\bnew URL\(\s*'([^']+\.yaml)',\s*import\.meta\.url,?\s*\)/gm;

/**
 * An esbuild plugin that copies the data files of a program into the bundle's folder. It finds data files by `new URL`
 * with a literal path.
 */
export const carryDataFiles: Plugin = {
  name: 'carry-data-files',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      if (path.includes('/node_modules/')) return undefined;
      return { loader: 'ts', contents: importReferences(await readFile(path, 'utf8')) };
    });
  },
};

/** Replaces each reference to a data file with an import for esbuild's `file` loader. Line numbers stay the same. */
export function importReferences(source: string): string {
  const imports: string[] = [];
  const rest = source.replaceAll(reference, (_, file: string) => {
    const name = `dataFile${imports.length}`;
    imports.push(`import ${name} from '${file}';`);
    return `new URL(${name}, import.meta.url)`;
  });
  return imports.join('') + rest;
}

const namespace = 'plain-http';

/**
 * An esbuild plugin that loads `node:http` as CommonJS code does. An ES import would read every export of the module.
 * Reading one of them, WebSocket, makes Node.js load a second HTTP client (undici). That client takes megabytes of
 * memory, and the programs do not need it.
 */
export const takePlainHttp: Plugin = {
  name: 'take-plain-http',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(?:node:)?http$/ }, ({ kind }) =>
      kind === 'import-statement' || kind === 'dynamic-import' ? { path: 'node:http', namespace } : undefined,
    );
    onLoad({ filter: /^/, namespace }, () => ({ contents: "module.exports = process.getBuiltinModule('node:http');" }));
  },
};
