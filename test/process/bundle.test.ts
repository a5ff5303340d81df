// SPDX-License-Identifier: Apache-2.0
// Tests the programs as the images contain them: bundled, in a folder outside of this project.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempDisposable, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { bundleProgram, type Program, programs } from '../../build/bundle-program.ts';
import { resourcePrefix } from '../../policy/plan/resource.ts';
import { ManifestsDirectory } from '../fixtures/manifests-directory.ts';
import { needsRoot } from '../kernel/network-namespace.ts';
import { makePluginNode, policyObject } from './plugin-node.ts';
import { until } from './until.ts';
import { startWebhook } from './webhook-process.ts';

const run = promisify(execFile);

async function bundle(program: Program) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'kmt-bundled-'));
  const main = await bundleProgram({ program, folder: join(folder.path, program) });
  return { path: join(folder.path, program), main, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

for (const program of programs) {
  test(`the bundled ${program} shows its help, has a source map next to each module, and every license in one file`, async () => {
    await using bundled = await bundle(program);
    const { stdout } = await run(process.execPath, [bundled.main, '--help'], { cwd: '/' });
    assert.match(stdout, program === 'cli' ? /^Usage: kubectl macvtap <command>/m : /--source cluster\|manifests:DIR/);
    assert.doesNotMatch(stdout, /npm run/);
    const files = await readdir(bundled.path);
    const modules = files.filter((file) => file.endsWith('.mjs'));
    assert.deepEqual(
      modules.filter((file) => !files.includes(`${file}.map`)),
      [],
    );
    const licences = await readFile(join(bundled.path, 'LICENCES.txt'), 'utf8');
    assert.match(licences, /\nyaml \d+\.\d+\.\d+: ISC\n\nCopyright/);
    assert.equal(/\nkoffi \d/.test(licences), program === 'nodeplugin');
  });

  test(`the bundled ${program} is identical byte for byte when it is built in another folder`, async () => {
    await using one = await bundle(program);
    await using other = await bundle(program);
    const content = async ({ path }: { readonly path: string }) => {
      const entries = await readdir(path, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile()).map((file) => join(file.parentPath, file.name));
      return await Promise.all(
        files.toSorted().map(async (file) => [file.slice(path.length), await readFile(file)] as const),
      );
    };
    assert.deepEqual(await content(one), await content(other));
  });
}

test("the bundled webhook loads Node's HTTP without the second client, which an import of it would also load", async () => {
  await using bundled = await bundle('webhook');
  const printLoaded = "process.once('exit', () => console.log(process.moduleLoadList.join('\\n')))";
  const preload = `data:text/javascript,${encodeURIComponent(printLoaded)}`;
  const { stdout } = await run(process.execPath, ['--import', preload, bundled.main, '--help'], { cwd: '/' });
  assert.match(stdout, /^NativeModule _http_server$/m);
  assert.doesNotMatch(stdout, /undici/);
});

test('the bundled command runs from a file without an ending, even with the variables of a container', async () => {
  await using bundled = await bundle('cli');
  await using directory = await ManifestsDirectory.make({
    'node.yaml': 'apiVersion: v1\nkind: Node\nmetadata: { name: h1 }\n',
  });
  const args = [join(bundled.path, 'kubectl-macvtap'), 'status', `--source=manifests:${directory.path}`];
  const env = { ...process.env, KUBE_MACVTAP_CNI_SHIM: '/app/shim/macvtap' };
  const { stdout } = await run(process.execPath, args, { cwd: '/', env });
  assert.match(stdout, /^h1: no report/m);
});

test('the bundled webhook answers reviews, and checks a policy in a file against the schema next to it', async () => {
  await using bundled = await bundle('webhook');
  const misspelt = policyObject('misspelt', { parentSelector: [{ parentIface: 'eth0', mode: 'brigde' }] });
  await using webhook = await startWebhook({ 'policy.yaml': stringify(misspelt) }, [], undefined, {
    main: bundled.main,
  });
  await webhook.process.waitForLine(/parentSelector\[0\]\.mode/);
  await until(
    () => webhook.health('/readyz'),
    ({ status }) => status === 200,
  );
  const { allowed, patch } = await webhook.review('mutate', {
    metadata: { name: 'net', annotations: { 'k8s.v1.cni.cncf.io/resourceName': `${resourcePrefix}eth0` } },
    spec: { config: '{"type": "macvtap"}' },
  });
  assert.deepEqual([allowed, typeof patch], [true, 'string']);
});

test('the bundled node plugin serves a resource to kubelet, with its native code next to it', {
  skip: needsRoot,
}, async () => {
  await using bundled = await bundle('nodeplugin');
  await using node = await makePluginNode(['eth0'], {}, { main: bundled.main });
  await node.write('policy.yaml', policyObject('p', { parentSelector: [{ parentIface: 'eth0', quantity: 3 }] }));
  node.start();
  await node.offers({ eth0: 3 });
  const { paths } = await node.allocate('eth0');
  assert.match(paths.join(), /^\/dev\/tap\d+$/);
});
