// SPDX-License-Identifier: Apache-2.0
import { mkdtempDisposable, readdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleProgram } from '../../build/bundle-program.ts';
import { carryDataFiles, dataLoaders, takePlainHttp } from '../../build/esbuild-plugins.ts';
import { startProcess } from '../process/start-process.ts';
import { type CpioEntry, encodeCpio } from './encode-cpio.ts';
import { findImage } from './image-folder.ts';
import { emulator } from './needs-machines.ts';
import { runTool } from './run-tool.ts';
import { hardwareOf, kernelOptions, type Machine, openConsole } from './start-machine.ts';

/** The time limit of one command. Node.js is slow in an emulated machine when other programs use the processors. */
const patienceMs = 600_000;

/** The folder in the machine with Node.js and the programs. */
const programFolder = '/app';

/**
 * Starts a virtual machine as a separate node with its own kernel. The node plugin is a bundle in /app/plugin. The
 * stand-in for kubelet is /app/kubelet.mjs, and iproute2's `ip` is /app/ip. The machine's only network card, eth0, is
 * not connected. Only the shell runs.
 */
export async function startNodeMachine(): Promise<Machine> {
  const image = findImage();
  if (image === undefined) throw new Error('no image of a machine; build it: node test/machines/main.ts');
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-machine-')));
  const initramfs = join(folder.path, 'initramfs');
  // The kernel unpacks archives one after the other into the same root.
  await writeFile(
    initramfs,
    Buffer.concat([await readFile(image.initramfs), encodeCpio(await makeEntries(folder.path))]),
  );
  const running = undo.use(
    startProcess({
      name: 'machine of a node',
      command: [
        ...(['setpriv', '--pdeathsig', 'KILL', emulator, '-name', 'node'] as const),
        ...hardwareOf('1280'),
        ...['-kernel', image.kernel, '-initrd', initramfs],
        ...['-append', [...kernelOptions, 'ADDRESS=192.0.2.1/24'].join(' ')],
        ...['-netdev', 'hubport,hubid=0,id=n0', '-device', 'virtio-net-pci,netdev=n0,romfile='],
      ],
      hasInput: true,
    }),
  );
  const run = await openConsole('node', running, patienceMs);
  const scope = undo.move();
  return { pid: running.pid, run, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

async function makeEntries(work: string): Promise<readonly CpioEntry[]> {
  const plugin = join(work, 'plugin');
  await bundleProgram({ program: 'nodeplugin', folder: plugin });
  const kubelet = join(work, 'kubelet.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('../kubelet/kubelet-process.ts', import.meta.url))],
    outfile: kubelet,
    ...{ bundle: true, platform: 'node', format: 'esm', target: 'node26', mainFields: ['module', 'main'] },
    ...{ logLevel: 'error', loader: dataLoaders, plugins: [carryDataFiles, takePlainHttp], external: ['koffi'] },
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  });
  const files = new Map<string, string>([
    ...(await readdir(plugin, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.map'))
      .map(({ parentPath, name }): [string, string] => {
        const path = join(parentPath, name);
        return [`${programFolder}/plugin${path.slice(plugin.length)}`, path];
      }),
    ...(await readdir(work))
      .filter((name) => !['plugin', 'initramfs'].includes(name))
      .map((name): [string, string] => [`${programFolder}/${name}`, join(work, name)]),
    [`${programFolder}/node`, process.execPath],
    ...(await librariesOf(process.execPath)),
    // Busybox's `ip` cannot show or set altnames.
    [`${programFolder}/ip`, await findProgram('ip')],
    ...(await librariesOf(await findProgram('ip'))),
  ]);
  const folders = new Set([...files.keys()].flatMap(foldersOf));
  return [
    ...[...folders].sort().map((path) => ({ path, type: 'folder' }) as const),
    ...(await Promise.all(
      [...files].map(async ([target, path]) => {
        return { path: target.slice(1), type: 'file', data: await readFile(path), isProgram: true } as const;
      }),
    )),
  ];
}

async function findProgram(name: string): Promise<string> {
  return (await runTool('which', name)).trim();
}

/** Returns the shared libraries of a program, at the paths where the loader looks for them. */
async function librariesOf(program: string): Promise<readonly [string, string][]> {
  const printed = await runTool('ldd', program);
  const paths = [...printed.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path = '']) => path);
  return await Promise.all(paths.map(async (path): Promise<[string, string]> => [path, await realpath(path)]));
}

/** Returns `app`, `app/plugin` for `/app/plugin/main.mjs`. */
function foldersOf(path: string): readonly string[] {
  const parent = dirname(path);
  return parent === '/' ? [] : [...foldersOf(parent), parent.slice(1)];
}
