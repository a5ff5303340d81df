// SPDX-License-Identifier: Apache-2.0
import type { NetworkNamespace } from '../kernel/network-namespace.ts';
import { startProcess } from '../process/start-process.ts';
import { findImage } from './image-folder.ts';
import { emulator } from './needs-machines.ts';

export interface MachineOptions {
  /** How it is told in errors. */
  readonly name: string;
  /** Its pod's, where its emulator runs. */
  readonly namespace: NetworkNamespace;
  /** `/dev/tap7`; user 107 opens it. */
  readonly tapPath: string;
  /** The macvtap's: other frames do not reach its tap. */
  readonly macAddress: string;
  /** What its card eth0 gets: `10.99.0.1/24`. */
  readonly address: string;
}

/** What a command in the machine printed, both streams, and how it ended. */
export interface Answer {
  readonly exitCode: number;
  readonly output: string;
}

/** A virtual machine with one network card, on a tap. Its scope's end switches it off. */
export interface Machine extends AsyncDisposable {
  readonly pid: number;
  /**
   * Carries out one line of shell in the machine, after those before it. What it starts with `&` goes on, as a job of the
   * same shell. Raises with everything that the machine printed when the machine ends before, or says nothing for minutes.
   */
  run(command: string): Promise<Answer>;
}

/** Only a test that fails waits this long: an emulated processor that shares two real ones with others is slow. */
const patienceMs = 180_000;

/** The user that KubeVirt's emulator runs as, whom the node plugin gives taps to. */
const user = '107';

/** Emulation in software needs no rights and no hardware; 192 MB are what Debian's kernel can start with. */
const hardware = [
  ...['-machine', 'q35', '-accel', 'tcg', '-m', '192', '-nodefaults', '-no-user-config'],
  ...['-display', 'none', '-serial', 'stdio', '-no-reboot'],
];

/**
 * Errors short of a panic stay off the console, whose lines are answers; a panic ends the machine. Where the real processors
 * are busy, a time that is counted in the emulated processor's cycles runs away, and the check that its timer ticks fails.
 */
const kernelOptions = [
  ...['console=ttyS0', 'quiet', 'loglevel=1', 'panic=-1', 'mitigations=off'],
  ...['clocksource=acpi_pm', 'notsc', 'no_timer_check', 'nowatchdog'],
];

/** Files 4 and 5 are opened as root, since the folder that they are in may be closed to others; file 3, the tap, is not. */
const openFiles = 'exec 4<"$KERNEL" 5<"$INITRAMFS"; exec "$@"';
const openTap = 'exec "$@" 3<>"$TAP"';
/** The kernel forgets the wish to die with the parent at a change of user (prctl(2)). */
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
        ...[emulator, '-name', name, ...hardware, '-kernel', '/dev/fd/4', '-initrd', '/dev/fd/5'],
        ...['-append', [...kernelOptions, `ADDRESS=${address}`].join(' ')],
        ...['-netdev', 'tap,id=n0,fd=3,vhost=off'],
        ...['-device', `virtio-net-pci,netdev=n0,mac=${macAddress},romfile=`],
      ],
      environment: { KERNEL: image.kernel, INITRAMFS: image.initramfs, TAP: tapPath },
      hasInput: true,
    }),
  );
  let commands = 0;
  const answered = async (number: number): Promise<Answer> => {
    await running.waitForLine(marker(number), patienceMs);
    return takeAnswer(running.output, number);
  };
  const start = await answered(0);
  if (start.exitCode !== 0) throw new Error(`machine ${name} could not set up its card:\n${running.output}`);
  const scope = undo.move();
  return {
    pid: running.pid,
    run: async (command) => {
      commands += 1;
      running.write(`${commands} ${command}\n`);
      return await answered(commands);
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

/** The line that follows what a command printed (init.sh). */
function marker(number: number): RegExp {
  return new RegExp(`^@${number} (\\d+)\r?$`);
}

/** What stands between the end of the command before and its own. */
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
