// SPDX-License-Identifier: Apache-2.0
import type { Plugin } from 'esbuild';

const namespace = 'plain-http';

/**
 * esbuild plugin: `node:http` is taken as CommonJS would take it. An import reads every export of a module of Node's own at
 * once, among those of this one WebSocket, for which Node.js loads a second HTTP client (undici) and what that stands on:
 * megabytes of resident memory, which nothing here asks for.
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
