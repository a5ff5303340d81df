// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { root } from '../house/source-files.ts';
import { needsRoot } from '../kernel/network-namespace.ts';
import { type RunningProcess, startProcess } from '../process/start-process.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

function startDemo(...flags: readonly string[]): RunningProcess {
  return startProcess({ name: 'demo', command: [process.execPath, main, ...flags] });
}

/** Returns what a demo with this process ID left on the machine: namespaces, folders and node plugins. */
async function leftBy(pid: number): Promise<readonly string[]> {
  const namespaces = await readdir('/run/netns').catch(() => []);
  const folders = await readdir(tmpdir());
  return [...namespaces, ...folders].filter((name) => name.includes(`-${pid}-`) || name.endsWith(`-${pid}`));
}

async function processesWith(text: string): Promise<readonly string[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid,args']);
  return stdout.split('\n').filter((line) => line.includes(text) && !line.includes('ps -eo'));
}

// The tests run one after the other, because the demo's hosts have fixed names. The paths of their devices in /dev
// follow from these names, so two demos would use the same paths.
test('the demo', { skip: needsRoot, concurrency: 1 }, async (t) => {
  await t.test('runs once from start to end, exits with 0 and leaves nothing', async () => {
    await using demo = startDemo('--once');
    assert.deepEqual(await demo.exit, { code: 0, signal: null }, demo.output);
    for (const row of [
      /h1 +macvtap\.network\.kubevirt\.io\/bondedIface +25/,
      /h1 +macvtap\.network\.kubevirt\.io\/quickDataplane +100/,
      /h2 +macvtap\.network\.kubevirt\.io\/dataplane +25/,
      /h3 +macvtap\.network\.kubevirt\.io\/eth1 +100/,
      /"name": "dataplane", "cniVersion": "1\.0\.0", "mode": "private", "modeFrom": "policy"/,
      /resourceName: macvtap\.network\.kubevirt\.io\/dataplane/,
      /ResourceUnknown .*dataplnae: did you mean dataplane\?/,
      /limits:\s+macvtap\.network\.kubevirt\.io\/dataplane: "1"/,
      /mvt[0-9a-f]{12}@bond1/,
      /macvtap mode private/,
      /crw-.*\/dev\/tap\d+/,
      /it says: hello from h1/,
    ]) {
      assert.match(demo.output, row);
    }
    const picture = await readFile(new URL('../../docs/pictures/start.svg', import.meta.url), 'utf8');
    const [command, ...lines] = [...picture.matchAll(/<text [^>]*>([^<]*)</g)].map(([, text = '']) => decode(text));
    assert.equal(command, '$ npm ci && npm start');
    assert.ok(lines.length > 15);
    for (const line of lines)
      assert.ok(demo.output.includes(line), `${line}: in the README's picture, and not printed`);
    assert.deepEqual(await leftBy(demo.pid), []);
  });

  await t.test('follows edits until Ctrl-C, and then leaves nothing', async () => {
    await using demo = startDemo();
    const line = await demo.waitForLine(/^Edit .*policy\.yaml/);
    const file = /^Edit (\S+)/.exec(line)?.[1] ?? '';
    await demo.waitForLine(/node cli\/launch\.js graph /);
    const printed = [...demo.output.matchAll(/^ {2}node (cli\/launch\.js .*)$/gm)].map(([, command = '']) => command);
    assert.equal(printed.length, 3, demo.output);
    const tables: string[] = [];
    for (const command of printed) {
      const { stdout } = await promisify(execFile)('node', command.split(' '), { cwd: root });
      const picture = / -o (\S+)/.exec(command)?.[1];
      const shown = picture === undefined ? stdout : await readFile(picture, 'utf8');
      assert.match(shown, /h1.*dataplane/s, command);
      if (picture === undefined) tables.push(namesIn(shown));
    }
    assert.equal(tables[0], tables[1], 'status and plan agree');
    await writeFile(file, (await readFile(file, 'utf8')).replace('quantity: 25', 'quantity: 7'));
    await demo.waitForLine(/h1 +macvtap\.network\.kubevirt\.io\/dataplane +7$/);
    const good = await readFile(file, 'utf8');
    await writeFile(file, good.replace('quantity: 7', 'quantity: many'));
    await demo.waitForLine(/^error: policy\.yaml:\d+: SchemaFault spec\.parentSelector/);
    await demo.waitForLine(/^still in force:/);
    await writeFile(file, good.replace('quantity: 7', 'quantity: 8'));
    await demo.waitForLine(/h1 +macvtap\.network\.kubevirt\.io\/dataplane +8$/);
    demo.signal('SIGINT');
    assert.deepEqual(await demo.exit, { code: 0, signal: null }, demo.output);
    assert.deepEqual(await leftBy(demo.pid), []);
  });

  await t.test('runs next to another demo, whose devices have the same names', async () => {
    await using first = startDemo();
    await first.waitForLine(/^Edit /);
    await using second = startDemo('--once');
    assert.deepEqual(await second.exit, { code: 0, signal: null }, second.output);
    assert.deepEqual(await leftBy(second.pid), []);
    assert.notDeepEqual(await leftBy(first.pid), []);
    const [one, other] = [first, second].map(({ output }) => /\/dev\/tap\d+/.exec(output)?.[0]);
    assert.notEqual(one, other);
    first.signal('SIGINT');
    assert.deepEqual(await first.exit, { code: 0, signal: null }, first.output);
  });

  await t.test('stops in the middle after a signal, and leaves nothing', async () => {
    await using demo = startDemo('--once');
    await demo.waitForLine(/three node plugins registered/);
    demo.signal('SIGTERM');
    await demo.exit;
    assert.deepEqual(await leftBy(demo.pid), []);
  });

  await t.test('ends its node plugins when it is killed, and the next run removes the rest', async () => {
    await using killed = startDemo();
    await killed.waitForLine(/^Edit /);
    killed.signal('SIGKILL');
    await killed.exit;
    assert.notDeepEqual(await leftBy(killed.pid), []);
    await using next = startDemo('--once');
    assert.deepEqual(await next.exit, { code: 0, signal: null }, next.output);
    assert.deepEqual(await leftBy(killed.pid), []);
    assert.deepEqual(await processesWith(`kmt-demo-${killed.pid}`), []);
  });

  await t.test('shows only the plan, with the reason, if it may not create links', async () => {
    await using demo = startProcess({
      name: 'demo without rights',
      command: ['setpriv', '--inh-caps=-all', '--bounding-set=-all', process.execPath, main, '--once'],
    });
    assert.deepEqual(await demo.exit, { code: 0, signal: null }, demo.output);
    assert.match(demo.output, /^No real links here: .*/);
    assert.match(demo.output, /h1 +dataplane +bond1 +private +25/);
  });
});

/** Returns the nodes and resources in a table of `status` or `plan`. */
function namesIn(table: string): string {
  const [rows = ''] = table.split('\n\n');
  return rows.replaceAll(/^(\S+ +\S+).*$/gm, '$1').replaceAll(/ +/g, ' ');
}

function decode(xml: string): string {
  return xml.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
