// SPDX-License-Identifier: Apache-2.0
import type { NetworkNamespace } from '../kernel/network-namespace.ts';
import { type RunningProcess, startProcess } from '../process/start-process.ts';
import { findImage } from './image-folder.ts';
import { emulator } from './needs-machines.ts';

export interface MachineOptions {
  /** Its name in errors. */
  readonly name: string;
  /** The network namespace of the machine's pod, in which the emulator runs. */
  readonly namespace: NetworkNamespace;
  /** The path of the tap, such as `/dev/tap7`. User 107 opens it. */
  readonly tapPath: string;
  /** The MAC address of the macvtap. Frames to other addresses do not reach its tap. */
  readonly macAddress: string;
  /** The address of its card eth0, such as `10.99.0.1/24`. */
  readonly address: string;
}

/** The output of a command in the machine, both streams, and its exit code. */
export interface Answer {
  readonly exitCode: number;
  readonly output: string;
}

/** A virtual machine with one network card, on a tap. Disposing of it switches the machine off. */
export interface Machine extends AsyncDisposable {
  readonly pid: number;
  /**
   * Runs one line of shell in the machine, after all earlier lines. A command with `&` continues as a job of the same
   * shell. Rejects with all output of the machine if the machine ends first, or prints nothing for minutes.
   */
  run(command: string): Promise<Answer>;
}

/** How long a failing test waits. An emulated processor is slow when it shares two real ones with other programs. */
const patienceMs = 180_000;

/** The user of KubeVirt's emulator, to which the node plugin gives taps. */
const user = '107';

/**
 * Returns the emulator's options for a machine with this memory in MB. Emulation in software needs no privileges and no
 * hardware.
 */
export function hardwareOf(memory: string): readonly string[] {
  return [
    ...['-machine', 'q35', '-accel', 'tcg', '-m', memory, '-nodefaults', '-no-user-config'],
    ...['-display', 'none', '-serial', 'stdio', '-no-reboot'],
  ];
}

/**
 * These options keep all errors except a panic off the console, because tests parse its lines. A panic ends the
 * machine. On busy processors, a clock that counts the emulated processor's cycles runs too fast, and the kernel's
 * check of its timer fails. The options disable both.
 */
export const kernelOptions = [
  ...['console=ttyS0', 'quiet', 'loglevel=1', 'panic=-1', 'mitigations=off'],
  ...['clocksource=acpi_pm', 'notsc', 'no_timer_check', 'nowatchdog'],
];

/**
 * Opens file descriptors 4 and 5 as root, because the folder of their files may be inaccessible to others. Descriptor
 * 3, the tap, is opened as the emulator's user.
 */
const openFiles = 'exec 4<"$KERNEL" 5<"$INITRAMFS"; exec "$@"';
const openTap = 'exec "$@" 3<>"$TAP"';
/** The kernel drops the parent-death signal at a change of user (prctl(2)), so setpriv sets it again. */
const asUser = ['setpriv', '--reuid', user, '--regid', user, '--clear-groups', '--pdeathsig', 'KILL'];

/** Starts a machine in a pod's namespace, as KubeVirt would, and waits until it is up. */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  const { name, namespace, tapPath, macAddress, address } = options;
  const image = findImage();
  if (image === undefined) throw new Error('no image of a machine; build it: node test/machines/main.ts');
  await using undo = new AsyncDisposableStack();
  const running = undo.use(
    startProcess({
      name: `machine ${name}`,
      command: [
        ...(['ip', 'netns', 'exec', namespace.name] as const),
        ...['sh', '-c', openFiles, 'sh', ...asUser, 'sh', '-c', openTap, 'sh'],
        // 192 MB are enough for Debian's kernel to start.
        ...[emulator, '-name', name, ...hardwareOf('192'), '-kernel', '/dev/fd/4', '-initrd', '/dev/fd/5'],
        ...['-append', [...kernelOptions, `ADDRESS=${address}`].join(' ')],
        ...['-netdev', 'tap,id=n0,fd=3,vhost=off'],
        ...['-device', `virtio-net-pci,netdev=n0,mac=${macAddress},romfile=`],
      ],
      environment: { KERNEL: image.kernel, INITRAMFS: image.initramfs, TAP: tapPath },
      hasInput: true,
    }),
  );
  const run = await openConsole(name, running);
  const scope = undo.move();
  return { pid: running.pid, run, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

/** Waits until a machine is up, and returns the function that runs commands on its console. */
export async function openConsole(name: string, running: RunningProcess, waitMs = patienceMs): Promise<Machine['run']> {
  let commands = 0;
  const answered = async (number: number): Promise<Answer> => {
    await running.waitForLine(marker(number), waitMs);
    return takeAnswer(running.output, number);
  };
  const start = await answered(0);
  if (start.exitCode !== 0) throw new Error(`machine ${name} could not set up its card:\n${running.output}`);
  return async (command) => {
    commands += 1;
    running.write(`${commands} ${command}\n`);
    return await answered(commands);
  };
}

/** Matches the line that follows the output of a command (init.sh). */
function marker(number: number): RegExp {
  return new RegExp(`^@${number} (\\d+)\r?$`);
}

/** Returns the output between the end of the previous command and the end of this one. */
function takeAnswer(printed: string, number: number): Answer {
  const lines = printed.split('\n').map((line) => line.trimEnd());
  const end = lines.findIndex((line) => marker(number).test(line));
  const begin = lines.findIndex((line) => marker(number - 1).test(line));
  const [, exitCode] = marker(number).exec(lines[end] ?? '') ?? [];
  return {
    exitCode: Number(exitCode),
    output: lines
      .slice(begin + 1, end)
      .join('\n')
      .trim(),
  };
}
