// SPDX-License-Identifier: Apache-2.0
// Tests `kubectl macvtap` as executables without Node.js, and their installation with krew.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtempDisposable, readdir, readFile, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type BuiltFile, buildExecutables, targetNames } from '../../build/executables/build-executables.ts';
import packageFile from '../../package.json' with { type: 'json' };
import { binaryPath } from '../binaries/binary-path.ts';
import { startStandInCluster } from '../process/stand-in-cluster.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const { version } = packageFile;

const folder = await mkdtempDisposable(join(tmpdir(), 'kmt-executables-'));
const output = join(folder.path, 'output');
// The server from which krew downloads the archives.
const server = createServer(({ url = '' }, response) => {
  createReadStream(join(output, basename(url)))
    .on('error', () => response.writeHead(404).end())
    .pipe(response);
}).listen(0, '127.0.0.1');
await once(server, 'listening');
let built: readonly BuiltFile[] = [];

before(async () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/releases/`;
  built = await buildExecutables({ chosen: targetNames, output, url, print: () => {} });
});
after(async () => {
  server.close();
  await folder.remove();
});

const programPath = () => join(output, 'kubectl-macvtap-linux-amd64');

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program in an empty directory, without a PATH and any other variable. */
async function runAlone(program: string, args: readonly string[], PATH?: string): Promise<Outcome> {
  await using empty = await mkdtempDisposable(join(tmpdir(), 'kmt-empty-'));
  const env: NodeJS.ProcessEnv = PATH === undefined ? {} : { PATH };
  return await run(program, args, { cwd: empty.path, env, maxBuffer: 16 << 20 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );
}

const seed = `${root}test/fixtures/seed/node-centric`;
const source = `--source=manifests:${seed}`;
const invalid = `${root}test/fixtures/nodepolicy/check-vlan/fail`;

/** Command lines, each with its exit code and a part of its output. */
const commandLines: readonly (readonly [readonly string[], number, RegExp])[] = [
  [['--help'], 0, /^Usage: kubectl macvtap <command>/m],
  [['--version'], 0, /^kubectl-macvtap \d/],
  [['status', '--help'], 0, /--watch/],
  [['status', source], 0, /^macvtap-cni\/policy-1/m],
  [['status', source, '-o', 'yaml'], 0, /^policies:/m],
  [['plan', source], 0, /^h1 +bondedIface/m],
  [['plan', source, '--delete', 'policy/policy-1'], 1, /^ +ResourceLost/m],
  [['why', 'policy/policy-1', source], 0, /^Nothing is wrong with/],
  [['graph', source], 0, /^<svg/m],
  [['lint', `${seed}/policy.yaml`], 0, /^1 file, 1 object checked/m],
  [['lint', invalid], 1, /: error: \w+ spec\.parentSelector/],
  [['migrate', source], 1, /kubectl macvtap migrate/],
  [['completion', 'bash'], 0, /^_kubectl_macvtap\(\)/m],
  [['completion', 'zsh'], 0, /^#compdef/],
  [['completion', 'fish'], 0, /^complete /m],
  [['__complete', 'status', '--out'], 0, /^--output/],
  [['lint'], 2, /kubectl macvtap lint/],
  [['status', '--nothing'], 2, /--nothing/],
  [['nothing'], 2, /nothing: no such command/],
];

describe('the executable for Linux on x64, in an empty directory and without a PATH', () => {
  for (const [args, code, part] of commandLines) {
    const shown = args.map((arg) => arg.replaceAll(root, '')).join(' ');
    it(`has the output and exit code of the source form: ${shown}`, async () => {
      const outcome = await runAlone(programPath(), args);
      assert.match(outcome.stdout + outcome.stderr, part);
      assert.equal(outcome.code, code);
      assert.deepEqual(outcome, await runAlone(process.execPath, [`${root}cli/kubectl-macvtap.ts`, ...args]));
    });
  }

  it('reads from an API server', async () => {
    const manifests = `${await readFile(`${seed}/nodes.yaml`)}\n---\n${await readFile(`${seed}/policy.yaml`)}`;
    await using cluster = await startStandInCluster(manifests);
    const { code, stdout, stderr } = await runAlone(programPath(), ['status', '--kubeconfig', cluster.kubeconfig]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^macvtap-cni\/policy-1/m);
  });

  it("completes words if it has the name of kubectl's program for this", async () => {
    await using other = await mkdtempDisposable(join(tmpdir(), 'kmt-completer-'));
    await symlink(programPath(), join(other.path, 'kubectl_complete-macvtap'));
    const { code, stdout } = await runAlone(join(other.path, 'kubectl_complete-macvtap'), ['sta']);
    assert.deepEqual([code, stdout.split('\t')[0]], [0, 'status']);
  });
});

/** The blob of an executable begins with this number. Source: kMagic in Node's src/node_sea.cc. */
const magic = Buffer.from([0x20, 0xda, 0x43, 0x01]);

/** Checks the headers: the class, byte order and machine of ELF, or the machine of PE. Source: elf(5), PE Format. */
const kinds = {
  'kubectl-macvtap-linux-amd64': (program: Buffer) => assert.equal(elfKind(program), '7f454c460201 62'),
  'kubectl-macvtap-linux-arm64': (program: Buffer) => assert.equal(elfKind(program), '7f454c460201 183'),
  'kubectl-macvtap-windows-amd64.exe': (program: Buffer) => {
    const header = program.readUInt32LE(0x3c);
    assert.equal(program.toString('latin1', header, header + 4), 'PE\0\0');
    assert.equal(program.readUInt16LE(header + 4), 0x8664);
    assert.equal(program.readUInt32LE(header + 24 + 112 + 4 * 8), 0, 'it has a signature');
  },
} as const;

const elfKind = (program: Buffer) => `${program.toString('hex', 0, 6)} ${program.readUInt16LE(18)}`;

describe('the files of all platforms', () => {
  for (const [name, check] of Object.entries(kinds)) {
    it(`${name} is a program for its platform, has the command in it, and is smaller than 130 MB`, async (t) => {
      const program = await readFile(join(output, name));
      check(program);
      assert.ok(program.includes(magic), 'it has no blob');
      assert.ok(program.includes('Usage: kubectl macvtap <command> [flags]'), 'its blob has no command');
      assert.ok(program.includes('macvtapnetworknodepolicies.yaml'), 'its blob has no schema');
      t.diagnostic(`${program.length} bytes`);
      assert.ok(program.length < 130e6, `${program.length} bytes`);
    });
  }

  it('are all in SHA256SUMS with their hash', async () => {
    const sums = await readFile(join(output, 'SHA256SUMS'), 'utf8');
    const names = (await readdir(output)).filter((name) => name !== 'SHA256SUMS').toSorted();
    const rows = await Promise.all(
      names.map(async (name) => {
        const hash = createHash('sha256').update(await readFile(join(output, name)));
        return `${hash.digest('hex')}  ${name}`;
      }),
    );
    assert.deepEqual(sums.trimEnd().split('\n').toSorted(), rows.toSorted());
  });

  it('are identical byte for byte when they are built in another folder', async () => {
    const options = { chosen: ['linux-amd64'] as const, output: join(folder.path, 'other'), url: '', print: () => {} };
    const again = (await buildExecutables(options)).filter(({ name }) => name !== 'SHA256SUMS');
    assert.equal(again.length, 2);
    assert.deepEqual(again, built.slice(0, 2));
  });
});

describe('krew', () => {
  /** Creates a folder with links to kubectl, krew and krew's check, as PATH. */
  async function makePath() {
    const bin = join(folder.path, 'bin');
    await mkdir(bin, { recursive: true });
    const links = { kubectl: 'kubectl', 'kubectl-krew': 'krew', check: 'validate-krew-manifest' } as const;
    for (const [name, program] of Object.entries(links)) await symlink(binaryPath(program), join(bin, name));
    return bin;
  }

  it('accepts the manifest, installs each platform from its archive, and kubectl then runs the command', async () => {
    const bin = await makePath();
    const manifest = join(output, 'macvtap.yaml');
    const checked = await runAlone(join(bin, 'check'), ['-manifest', manifest], bin);
    assert.equal(checked.code, 0, checked.stderr);
    assert.match(checked.stderr, /all 3 spec\.platforms installed fine/);

    const env = { PATH: `${bin}:${folder.path}/krew/bin`, KREW_ROOT: join(folder.path, 'krew'), HOME: folder.path };
    await run('kubectl', ['krew', 'install', '--manifest', manifest], { env });
    const { stdout } = await run('kubectl', ['macvtap', '--version'], { env });
    assert.equal(stdout, `kubectl-macvtap ${version}\n`);
  });
});
