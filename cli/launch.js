#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// The package's npm bin. It runs on the first `node` in the PATH, which may be too old for the program. Therefore this
// file is JavaScript that runs on Node.js 18. If that Node.js is too old, it starts the program with another one.

/** The major version that the program needs. An optional dependency of this package provides it. */
const wanted = 26;

const [major = '0'] = process.versions.node.split('.');
if (Number(major) >= wanted) await runHere();
else runWith(findInstalled());

/** Runs the program in this process. A second process would start later. */
async function runHere() {
  const { emitWarning } = process;
  // As with --disable-warning=ExperimentalWarning: removing the types is experimental.
  process.emitWarning = (warning, type, ...rest) => {
    if (type !== 'ExperimentalWarning') emitWarning.call(process, warning, type, ...rest);
  };
  await import('./strip-types.js');
  await import('./kubectl-macvtap.ts');
}

/** Runs the program with another Node.js. */
function runWith(node) {
  if (node === undefined) {
    console.error(
      `kubectl macvtap: needs Node.js ${wanted} or newer, and ${process.execPath} is ${process.versions.node}. ` +
        `Put a newer one first in the PATH, or install this package with its optional dependencies, which bring one for Linux and Windows.`,
    );
    process.exitCode = 1;
    return;
  }
  const program = fileURLToPath(new URL('kubectl-macvtap.ts', import.meta.url));
  const hook = new URL('strip-types.js', import.meta.url).href;
  const flags = ['--disable-warning=ExperimentalWarning', `--import=${hook}`];
  const child = spawn(node, [...flags, program, ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends SIGINT to this process and to the program, so this process only waits until the program has
  // exited. SIGTERM and SIGHUP may reach only this process, so it forwards them.
  process.on('SIGINT', () => {});
  for (const name of ['SIGTERM', 'SIGHUP']) process.on(name, () => child.kill(name));
  child.on('error', (error) => {
    console.error(`kubectl macvtap: ${node} cannot be started: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (status, signal) => {
    process.exitCode = status ?? 1;
    if (signal === null) return;
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/**
 * Finds the Node.js that an optional dependency installed. npm adds it to the PATH only for scripts and npx, so it must
 * be found here.
 */
function findInstalled() {
  const [platform, program] = process.platform === 'win32' ? ['win', 'node.exe'] : [process.platform, 'node'];
  try {
    const packageFile = createRequire(import.meta.url).resolve(`node-${platform}-${process.arch}/package.json`);
    return join(packageFile, '../bin', program);
  } catch {
    return undefined;
  }
}
