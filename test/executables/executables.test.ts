// SPDX-License-Identifier: Apache-2.0
// Tests `kubectl macvtap` as executables without Node.js, and their installation with krew.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtempDisposable, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import packageFile from '../../package.json' with { type: 'json' };
import { binaryPath } from '../binaries/binary-path.ts';
import { pageBlock, runOnTerminal } from '../docs/page-commands.ts';
import { emulator, lacksEmulator } from '../images/emulate-arm64.ts';
import { plainEnvironment } from '../process/plain-environment.ts';
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
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/releases`;
const documented = { folder: 'dist/executables', url: 'https://downloads.example.com/kube-macvtap' };

/** Returns a block of docs/how-to/install.md as lines, with the folder and the URL of this test. */
function pageLines(start: string, names: Readonly<Record<string, string>>): readonly string[] {
  return pageBlock('docs/how-to/install.md', start, names).split('\n');
}

const [build = ''] = pageLines('npm run executables -- --output dist/executables --url', {
  [documented.folder]: output,
  [documented.url]: url,
});
const krewInstall = 'kubectl krew install --manifest';
const [install = ''] = pageLines(krewInstall, { [documented.folder]: output });

before(() => runOnTerminal(build, { folder: root, environment: plainEnvironment() }));
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

/** A command line with its exit code and a part of its output. */
type CommandLine = readonly [readonly string[], number, RegExp];
type Skip = string | false;

const commandLines: readonly CommandLine[] = [
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

/** Checks that a program has the output and exit code of the source form. */
function itRuns([args, code, part]: CommandLine, program: () => readonly [string, ...string[]], skip: Skip = false) {
  const shown = args.map((arg) => arg.replaceAll(root, '')).join(' ');
  it(`has the output and exit code of the source form: ${shown}`, { skip }, async () => {
    const [first, ...rest] = program();
    const outcome = await runAlone(first, [...rest, ...args]);
    assert.match(outcome.stdout + outcome.stderr, part);
    assert.equal(outcome.code, code);
    assert.deepEqual(outcome, await runAlone(process.execPath, [`${root}cli/kubectl-macvtap.ts`, ...args]));
  });
}

describe('the executable for Linux on x64, in an empty directory and without a PATH', () => {
  for (const commandLine of commandLines) itRuns(commandLine, () => [programPath()]);

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

/** Emulation takes seconds for each command, so only some run. */
const emulated = ['--help', 'plan', 'lint', 'completion', 'nothing'];

describe('the executable for Linux on arm64, in an emulator', () => {
  const program = () => [`/usr/bin/${emulator[0]}`, ...emulator.slice(1), join(output, 'kubectl-macvtap-linux-arm64')];
  for (const word of emulated) {
    const commandLine = commandLines.find(([[first]]) => first === word) ?? assert.fail(word);
    itRuns(commandLine, program as () => [string], lacksEmulator);
  }
});

// No test runs the executable for Windows. In Debian's Wine 8.0, Node.js 26 prints its version, but runs no code. V8
// cannot reserve its memory: "Fatal process out of memory: SegmentedTable::InitializeTable (subspace allocation)".

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

  it('are identical byte for byte when they are built in another folder, and can be installed from it', async () => {
    const [other, bin] = [join(folder.path, 'other'), join(folder.path, 'installed')];
    await mkdir(bin);
    // The test's folder needs no other user.
    await writeFile(join(bin, 'sudo'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
    const start = 'npm run executables -- --output dist/executables\nsudo install';
    const lines = pageLines(start, { [documented.folder]: other, '/usr/local/bin': bin });
    const environment = { ...plainEnvironment(), PATH: `${bin}:${process.env.PATH}` };
    await runOnTerminal(lines.join('\n'), { folder: root, environment });
    const sums = async (from: string) => (await readFile(join(from, 'SHA256SUMS'), 'utf8')).trim().split('\n');
    const own = (rows: readonly string[]) => rows.filter((row) => row.includes('linux-amd64'));
    assert.equal(own(await sums(other)).length, 2);
    assert.deepEqual(own(await sums(other)), own(await sums(output)));
    assert.equal((await runAlone(join(bin, 'kubectl-macvtap'), ['--version'])).stdout, `kubectl-macvtap ${version}\n`);
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
    await runOnTerminal(install, { folder: folder.path, environment: { ...env, PATH: `${env.PATH}:/usr/bin:/bin` } });
    const { stdout } = await run('kubectl', ['macvtap', '--version'], { env });
    assert.equal(stdout, `kubectl-macvtap ${version}\n`);
  });
});
