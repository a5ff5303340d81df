// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';

/** What modules of ours read at run time: services and schemas. */
export const dataLoaders = { '.proto': 'file', '.yaml': 'file' } as const;

/** `new URL('./v1.proto', import.meta.url)` outside of comments, with the literal as its only group. */
const reference = /(?<!^ *(?:\*|\/\/).*)\bnew URL\(\s*'([^']+\.(?:proto|yaml))',\s*import\.meta\.url,?\s*\)/gm;

/**
 * esbuild plugin: a data file that a module of ours names beside itself is copied beside the bundle, and named there. Only
 * a literal is followed.
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

/** Turns each reference into one to what esbuild's `file` loader made of the file, without moving a line. */
export function importReferences(source: string): string {
  const imports: string[] = [];
  const rest = source.replaceAll(reference, (_, file: string) => {
    const name = `dataFile${imports.length}`;
    imports.push(`import ${name} from '${file}';`);
    return `new URL(${name}, import.meta.url)`;
  });
  return imports.join('') + rest;
}
