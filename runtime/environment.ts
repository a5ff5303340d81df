// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';

/**
 * The settings for access to a cluster. They come from the environment variables that kubectl reads, and from those
 * that kubelet sets in pods.
 */
export interface KubernetesEnvironment {
  /** KUBECONFIG: one file, or several separated by colons. */
  readonly kubeconfig: string | undefined;
  /** The URL of the API server for a pod, or undefined outside of a pod. @example 'https://[fd00::1]:443' */
  readonly service: string | undefined;
  /** HOME, whose folder `.kube` contains the default kubeconfig. */
  readonly home: string | undefined;
}

export function readKubernetesEnvironment(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): KubernetesEnvironment {
  const { KUBECONFIG, HOME, KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = environment;
  const isThere = host !== undefined && host !== '' && port !== undefined && port !== '';
  return {
    kubeconfig: KUBECONFIG === '' ? undefined : KUBECONFIG,
    service: isThere ? `https://${host.includes(':') ? `[${host}]` : host}:${port}` : undefined,
    home: HOME === '' ? undefined : HOME,
  };
}

/**
 * Gives libuv more threads than its default of four, for system calls that block for a long time. Call this before any
 * code uses the threads, because libuv reads UV_THREADPOOL_SIZE only once (src/threadpool.c, init_threads). Keeps an
 * existing value of this variable.
 */
export function widenThreadPool(threads: number): void {
  process.env.UV_THREADPOOL_SIZE ||= String(threads);
}

/** Functions of the C library that return memory to the kernel: malloc_trim(3) and madvise(2). */
export interface MemoryCalls {
  malloc_trim(pad: number): number;
  madvise(address: number, length: number, advice: number): number;
}

export interface KeepMemorySmallOptions {
  readonly calls: MemoryCalls;
  readonly lookMs?: number;
  /** The shortest time from a release to the next one without a burst of work in between. */
  readonly restMs?: number;
  /** The CPU time of the process in milliseconds, and its resident memory. */
  readonly measure?: () => { readonly cpuMs: number; readonly residentBytes: number };
  readonly release?: typeof releaseMemory;
}

/** Memory is released again after it has grown by this much. An idle process maps up to 16 MB of pages again. */
const growthBytes = 18e6;

/** The process is idle if it uses less than this part of one processor. */
const idlePart = 0.05;

/** A burst of work uses at least this part of one processor. */
const burstPart = 0.25;

/**
 * Returns unused memory to the kernel when the process is idle for the first time, and again when it is idle after its
 * memory has grown. V8 and glibc would keep the memory of the start and of each burst of work, because they expect more
 * work. It takes about 40 ms, so it does not happen during work. It happens twice, because V8's threads still work on
 * the garbage after the first time, and map pages of the program again.
 */
export function keepMemorySmall(options: KeepMemorySmallOptions): Disposable {
  const { calls, lookMs = 5_000, restMs = 0, measure = measureProcess, release = releaseMemory } = options;
  let [releasedBytes, restedMs] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  // How often memory must still be released.
  let due = 0;
  let { cpuMs: before } = measure();
  const timer = setInterval(() => {
    const { cpuMs, residentBytes } = measure();
    const isIdle = cpuMs - before < lookMs * idlePart;
    const isBurst = cpuMs - before >= lookMs * burstPart;
    [before, restedMs] = [cpuMs, isBurst ? Number.POSITIVE_INFINITY : restedMs + lookMs];
    const isGrown = restedMs >= restMs && residentBytes >= releasedBytes + growthBytes;
    if ((isIdle && due === 0 && isGrown) || (isBurst && due === 1)) due = 2;
    if (!isIdle || due === 0) return;
    [due, restedMs] = [due - 1, 0];
    release(calls);
    ({ cpuMs: before, residentBytes: releasedBytes } = measure());
  }, lookMs).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function measureProcess(): { readonly cpuMs: number; readonly residentBytes: number } {
  const { user, system } = process.cpuUsage();
  const cpuMs = (user + system) / 1_000;
  try {
    return { cpuMs, residentBytes: process.memoryUsage.rss() };
  } catch {
    // Node.js reads it from a file, and fails without a free file descriptor.
    return { cpuMs, residentBytes: 0 };
  }
}

/** MADV_DONTNEED of <bits/mman-linux.h>. */
const dontNeed = 4;

/**
 * Returns unused memory to the kernel: garbage (only if Node.js runs with --expose-gc), free memory of malloc, and
 * pages of programs that are in memory because the start needed them. The kernel maps such a page again at its next
 * use, usually from its page cache. Never throws.
 */
export function releaseMemory({ malloc_trim, madvise }: MemoryCalls): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  try {
    malloc_trim(0);
    for (const { start, length } of readProgramMappings(readFileSync('/proc/self/smaps', 'utf8'))) {
      madvise(start, length, dontNeed);
    }
  } catch {
    // Without the functions, /proc/self/smaps or a free file descriptor, the rest of the memory stays as it is.
  }
}

/**
 * Returns the mappings of files that the process cannot write and has not changed, from the text of /proc/self/smaps
 * (proc_pid_smaps(5)). Their content is the same as in the files. A mapping with anonymous pages was changed, for
 * example by the dynamic linker.
 */
export function readProgramMappings(smaps: string): readonly { readonly start: number; readonly length: number }[] {
  const mappings = smaps.matchAll(
    /^([0-9a-f]+)-([0-9a-f]+) r-[-x]p [0-9a-f]+ [0-9a-f:]+ [1-9]\d* +\/[\s\S]*?^Anonymous: +(\d+) kB$/gm,
  );
  return [...mappings].flatMap(([, from = '', to = '', anonymousKiB]) => {
    const start = Number.parseInt(from, 16);
    return anonymousKiB === '0' ? [{ start, length: Number.parseInt(to, 16) - start }] : [];
  });
}
