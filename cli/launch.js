#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// The npm bin. This file alone is JavaScript that any Node.js since 18 reads: it is run by whatever node is on the PATH,
// and hands over to one that runs the rest.

/** What the programs are written for; the packages that bring one along are optional dependencies. */
const wanted = 26;

const [major = '0'] = process.versions.node.split('.');
const node = Number(major) >= wanted ? process.execPath : findInstalled();
if (node === undefined) {
  console.error(
    `kubectl macvtap: needs Node.js ${wanted} or newer, and ${process.execPath} is ${process.versions.node}. ` +
      `Put a newer one first in the PATH, or install this package with its optional dependencies, which bring one for Linux.`,
  );
  process.exitCode = 1;
} else {
  const program = fileURLToPath(new URL('kubectl-macvtap.ts', import.meta.url));
  const hook = new URL('strip-types.js', import.meta.url).href;
  const flags = ['--disable-warning=ExperimentalWarning', `--import=${hook}`];
  const child = spawn(node, [...flags, program, ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal interrupts both; the program then ends in order, and this one with it. What else ends a program is meant
  // for the one that this stands for.
  process.on('SIGINT', () => {});
  for (const name of ['SIGTERM', 'SIGHUP']) process.on(name, () => child.kill(name));
  child.on('error', (error) => {
    console.error(`kubectl macvtap: ${node} cannot be run: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (status, signal) => {
    process.exitCode = status ?? 1;
    if (signal === null) return;
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/** The node that is installed beside this package; npm puts it into the PATH of scripts and npx alone. */
function findInstalled() {
  const name = `node-${process.platform}-${process.arch}`;
  try {
    return join(createRequire(import.meta.url).resolve(`${name}/package.json`), '../bin/node');
  } catch {
    return undefined;
  }
}
