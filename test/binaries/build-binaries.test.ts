// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { chmod, mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { until } from '../process/until.ts';
import { binaryPath } from './binary-path.ts';
import { buildBinaries } from './build-binaries.ts';
import { defaultKubernetes, kubernetesVersion, kubernetesVersions, useKubernetes } from './kubernetes-version.ts';
import { cacheName, linkerFlags, moduleFolder, type ProgramName, readVersion, recipes } from './recipes.ts';

/** Writes a stand-in for the go command. It records each call, and then runs the given script instead of a build. */
async function fakeGo(folder: string, build: string): Promise<string> {
  const path = join(folder, 'go');
  const script = `#!/bin/sh
echo "$3 \${CGO_ENABLED}" >> ${folder}/calls
case $3 in
version) echo go version go1.99 ;;
build) while [ $# -gt 0 ]; do [ "$1" = -o ] && target=$2; shift; done; ${build} ;;
esac`;
  await writeFile(path, script);
  await chmod(path, 0o755);
  return path;
}

const makeIt = 'printf program > "$target"; chmod 755 "$target"';

async function stage() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'kube-macvtap-binaries-'));
  const cache = join(folder.path, 'cache');
  const lines: string[] = [];
  return {
    path: folder.path,
    cache,
    lines,
    build: (go: string, ...names: readonly ProgramName[]) =>
      buildBinaries({ names, folder: cache, print: (line) => lines.push(line), go }),
    calls: async () => (await readFile(join(folder.path, 'calls'), 'utf8')).trim().split('\n'),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe('building the programs of a cluster', () => {
  it('creates an executable for each, named with its version, without a C compiler', async () => {
    await using here = await stage();
    await here.build(await fakeGo(here.path, makeIt), 'etcd', 'kubectl');
    assert.deepEqual((await readdir(here.cache)).sort(), [cacheName('etcd'), cacheName('kubectl')].sort());
    assert.match(cacheName('kubectl'), /^kubectl-v1\.\d+\.\d+-[0-9a-f]{12}$/);
    assert.equal(binaryPath('etcd', here.cache), join(here.cache, cacheName('etcd')));
    assert.deepEqual(await here.calls(), ['version 0', 'list 0', 'build 0', 'list 0', 'build 0']);
    assert.match(here.lines.join('\n'), /kubectl v1\..*: compiling/);
  });

  it('uses the C compiler only for programs that need it', async () => {
    await using here = await stage();
    await here.build(await fakeGo(here.path, makeIt), 'virt-launcher', 'virt-tail');
    assert.deepEqual(await here.calls(), ['version 0', 'list 1', 'build 1', 'list 0', 'build 0']);
  });

  it('builds missing programs, and does not rebuild existing ones', async () => {
    await using here = await stage();
    const go = await fakeGo(here.path, makeIt);
    await here.build(go, 'etcd');
    await here.build(go, 'etcd', 'kubectl');
    await here.build(go, 'etcd', 'kubectl');
    assert.equal((await here.calls()).filter((call) => call.startsWith('build')).length, 2);
  });

  it('twice at once builds each program once, and both callers get it', async () => {
    await using here = await stage();
    const goOn = join(here.path, 'go-on');
    const go = await fakeGo(here.path, `while [ ! -e ${goOn} ]; do sleep 0.02; done; ${makeIt}`);
    const both = Promise.all([here.build(go, 'etcd'), here.build(go, 'etcd')]);
    await until(
      async () => here.lines.join('\n'),
      (lines) => /waiting for process/.test(lines),
    );
    await writeFile(goOn, '');
    await both;
    assert.equal((await here.calls()).filter((call) => call.startsWith('build')).length, 1);
  });

  it("that fails reports go's errors, leaves no incomplete program, and can be repeated", async () => {
    await using here = await stage();
    const broken = await fakeGo(here.path, 'printf half > "$target"; echo "undefined: x" >&2; exit 1');
    await assert.rejects(here.build(broken, 'etcd'), /go build failed in .*kubernetes.*undefined: x/s);
    assert.throws(() => binaryPath('etcd', here.cache), /is missing; build it: node test\/binaries\/main\.ts etcd/);
    await here.build(await fakeGo(here.path, makeIt), 'etcd');
    assert.deepEqual(await readdir(here.cache), [cacheName('etcd')]);
  });

  it('without Go names the requirement', async () => {
    await using here = await stage();
    await assert.rejects(here.build('/nowhere/go', 'etcd'), /install Go 1\.26 or newer and put it in PATH/);
  });

  it('without a network names the module proxy, and shows the fix if checksums do not match', async () => {
    await using here = await stage();
    const say = (text: string) => fakeGo(here.path, `echo '${text}' >&2; exit 1`);
    const offline = 'Get "https://proxy/x": dial tcp: lookup proxy: no such host';
    await assert.rejects(here.build(await say(offline), 'etcd'), /module proxy cannot be reached.*GOPROXY/);
    await assert.rejects(here.build(await say('verifying x: checksum mismatch'), 'etcd'), /run go mod tidy/);
    await assert.rejects(here.build(await say('go.mod requires go >= 1.99'), 'etcd'), /Go is too old/);
  });
});

describe('the version of Kubernetes', () => {
  const before = kubernetesVersion();
  afterEach(() => useKubernetes(before));

  for (const version of kubernetesVersions) {
    it(`${version} is what its go.mod pins, and its programs are cached beside those of others`, () => {
      useKubernetes(version);
      for (const name of ['kubelet', 'kube-apiserver', 'kubectl'] as const) {
        assert.equal(readVersion(recipes[name]), `v${version}`);
        assert.ok(cacheName(name).startsWith(`${name}-v${version}-`), cacheName(name));
      }
      assert.match(linkerFlags(recipes.kubelet), new RegExp(`gitVersion=v${version} `));
    });

    it(`${version} has every staged module at the same version`, async () => {
      useKubernetes(version);
      const mod = await readFile(join(moduleFolder(recipes.kubelet), 'go.mod'), 'utf8');
      const [, replaced = ''] = mod.split('\nreplace (');
      const versions = [...replaced.matchAll(/ v(0\.\S+)$/gm)].map(([, found]) => found);
      assert.ok(versions.length > 20, replaced);
      assert.deepEqual([...new Set(versions)], [version.replace(/^1/, '0')]);
    });
  }

  it('that is not the default is in the command that builds a missing program', () => {
    for (const version of kubernetesVersions) {
      useKubernetes(version);
      const flags = version === defaultKubernetes ? '' : `--kubernetes ${version} `;
      const message = new RegExp(`is missing; build it: node test/binaries/main\\.ts ${flags}kubelet$`);
      assert.throws(() => binaryPath('kubelet', '/nonexistent'), message);
    }
  });

  it('that is unknown is refused with the known ones, also in the environment', () => {
    const known = kubernetesVersions.join(', ');
    const expected = (start: string) => ({ message: `${start}1.2.3: no such version of Kubernetes; known: ${known}` });
    assert.throws(() => useKubernetes('1.2.3'), expected(''));
    process.env.MACVTAP_TEST_KUBERNETES = '1.2.3';
    assert.throws(() => cacheName('kubelet'), expected('MACVTAP_TEST_KUBERNETES='));
  });
});

describe('the recipes', () => {
  it('each pin a version, which the program also reports', () => {
    for (const recipe of Object.values(recipes)) assert.match(readVersion(recipe), /^v\d+\.\d+\.\d+$/);
    const [major, minor] = readVersion(recipes.kubectl).slice(1).split('.');
    assert.match(
      linkerFlags(recipes.kubectl),
      new RegExp(`gitVersion=v${major}\\.${minor}\\..* -X .*gitMajor=${major} `),
    );
    assert.doesNotMatch(linkerFlags(recipes.etcd), /\$|version/);
  });
});
