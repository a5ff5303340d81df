// SPDX-License-Identifier: Apache-2.0
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeBenchNode } from '../bench-node.ts';
import type { Figure } from '../figure.ts';
import { processorMs } from '../processor-ms.ts';
import { bundledForm, type ProgramForm } from '../program-form.ts';
import { memoryShare } from '../resident-bytes.ts';
import type { BenchRow } from '../row.ts';

const devices = 600;
const allocations = 900;

/** The node plugin returns unused memory five seconds after the start at the earliest. */
const startedMs = 2_000;

/** By then, the node plugin has returned unused memory. */
const idleMs = 17_000;

/** A way to start the node plugin that differs from its image in one step. */
interface Step {
  readonly title: string;
  readonly without?: readonly string[];
  readonly withFlag?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

const image: Step = { title: 'as in the image' };

/**
 * Measures the unshared memory of the bundled node plugin, and its processor time for each Allocate, for each step that
 * saves memory. Unshared memory does not depend on other processes. All steps run at the same time, so that other work
 * on the machine affects all of them.
 */
export const memorySteps: BenchRow = {
  name: 'memory-steps',
  needsRoot: true,
  onlyNamed: true,
  async measure(report) {
    await using form = await bundledForm('nodeplugin');
    await using cache = await mkdtempDisposable(`${tmpdir()}/kmt-compile-cache-`);
    const steps: readonly Step[] = [
      { title: 'without --expose-gc', without: ['--expose-gc'] },
      { title: 'with optimizing compilers', without: ['--no-opt', '--no-maglev'] },
      { title: 'with --no-sparkplug', withFlag: '--no-sparkplug' },
      { title: 'with --single-threaded', withFlag: '--single-threaded' },
      { title: 'without --optimize-for-size', without: ['--optimize-for-size'] },
      { title: 'with one arena of malloc', environment: { MALLOC_ARENA_MAX: '1' } },
      { title: 'with four threads of libuv', environment: { UV_THREADPOOL_SIZE: '4' } },
      { title: 'with a compile cache', environment: { NODE_COMPILE_CACHE: cache.path } },
    ];
    report(`${steps.length + 1} node plugins`);
    const [own, ...samples] = await Promise.all(
      [image, ...steps].map((step) => measureStep({ ...form, ...startOf(form, step) })),
    );
    if (own === undefined) return [];
    return [
      ...figuresOf(image.title, own),
      ...steps.flatMap(({ title }, index) => figuresOf(title, samples[index] ?? own, own)),
    ];
  },
};

function startOf(form: ProgramForm, { without = [], withFlag, environment = {} }: Step) {
  const kept = form.nodeFlags.filter((flag) => !without.includes(flag));
  return {
    nodeFlags: withFlag === undefined ? kept : [...kept, withFlag],
    environment: { ...form.environment, ...environment },
  };
}

interface Sample {
  readonly started: number;
  readonly idle: number;
  readonly worked: number;
  readonly allocateMs: number;
}

function figuresOf(title: string, sample: Sample, own?: Sample): Figure[] {
  const figure = (name: keyof Sample, what: string): Figure => ({
    title: `${title}: ${what}`,
    unit: name === 'allocateMs' ? 'ms' : 'bytes',
    value: sample[name],
    count: 1,
    ...(own !== undefined && { beside: { title: image.title, value: own[name], count: 1 } }),
  });
  return [
    figure('started', 'unshared memory after the start'),
    figure('idle', 'unshared memory, idle'),
    figure('worked', `unshared memory after ${allocations} Allocates`),
    figure('allocateMs', 'processor time of an Allocate'),
  ];
}

async function measureStep(form: ProgramForm): Promise<Sample> {
  await using node = await makeBenchNode(['eth0']);
  await node.offer({ resourceName: 'net', parentIface: 'eth0', quantity: devices });
  await using plugin = node.start({ form });
  await node.offers({ net: devices });
  const unshared = async (waitMs: number) => {
    await sleep(waitMs);
    return (await memoryShare(plugin.pid)).private;
  };
  const [started, idle] = [await unshared(startedMs), await unshared(idleMs)];
  const before = await processorMs(plugin.pid);
  using client = node.dial('net');
  for (let index = 0; index < allocations; index += 1) await client.allocate(index % devices);
  const allocateMs = ((await processorMs(plugin.pid)) - before) / allocations;
  return { started, idle, worked: await unshared(idleMs), allocateMs };
}
