// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { keepMemorySmall, readKubernetesEnvironment, readProgramMappings, releaseMemory } from './environment.ts';

test('in a pod, the variables of the Service give the URL of the API server, with brackets for IPv6', () => {
  const serviceAt = (KUBERNETES_SERVICE_HOST: string) =>
    readKubernetesEnvironment({ KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT: '443' }).service;
  assert.deepEqual(['10.96.0.1', 'fd00::1'].map(serviceAt), ['https://10.96.0.1:443', 'https://[fd00::1]:443']);
});

test('outside a pod, or with empty variables, nothing is configured', () => {
  const nothing = { kubeconfig: undefined, service: undefined, home: undefined };
  assert.deepEqual(readKubernetesEnvironment({}), nothing);
  assert.deepEqual(
    readKubernetesEnvironment({ KUBECONFIG: '', HOME: '', KUBERNETES_SERVICE_HOST: '10.0.0.1' }),
    nothing,
  );
  assert.deepEqual(readKubernetesEnvironment({ KUBERNETES_SERVICE_HOST: '', KUBERNETES_SERVICE_PORT: '' }), nothing);
});

/** Runs `keepMemorySmall` over measurements: CPU milliseconds since the last one, and resident megabytes. */
function releasesOver(
  t: TestContext,
  looks: readonly (readonly [cpuMs: number, megabytes: number])[],
  restMs = 0,
): number[] {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const releases: number[] = [];
  let [at, cpuMs] = [-1, 0];
  using _keeping = keepMemorySmall({
    calls: { malloc_trim: () => 0, madvise: () => 0 },
    lookMs: 1_000,
    restMs,
    measure: () => ({ cpuMs, residentBytes: (releases.includes(at) ? 40 : (looks[at]?.[1] ?? 0)) * 1e6 }),
    release: () => void releases.push(at),
  });
  for (const [used] of looks) {
    at += 1;
    cpuMs += used;
    t.mock.timers.tick(1_000);
  }
  return releases;
}

test('memory is released twice when the process is idle for the first time, and not before', (t) => {
  assert.deepEqual(
    releasesOver(t, [
      [900, 80],
      [300, 80],
      [4, 80],
      [4, 53],
      [4, 40],
      [4, 40],
    ]),
    [2, 3],
  );
});

test('memory is released again only after it has grown, and when the work is done', (t) => {
  const grown = [
    [900, 60],
    [900, 90],
    [4, 90],
  ] as const;
  assert.deepEqual(releasesOver(t, [[4, 80], [4, 53], [4, 41], [4, 45], ...grown, [4, 53], [4, 41]]), [0, 1, 6, 7]);
});

test('pages that the process maps again soon after a release do not count as growth', (t) => {
  // After the second release, 40 MB are resident.
  assert.deepEqual(
    releasesOver(t, [
      [4, 80],
      [4, 53],
      [4, 44],
      [4, 57],
      [4, 59],
      [4, 40],
    ]),
    [0, 1, 4, 5],
  );
});

test('memory that grows again and again is not released more often than allowed', (t) => {
  const looks: (readonly [number, number])[] = Array.from({ length: 8 }, () => [4, 80]);
  assert.deepEqual(releasesOver(t, looks), [0, 1, 2, 3, 4, 5, 6, 7]);
  t.mock.timers.reset();
  assert.deepEqual(releasesOver(t, looks, 3_000), [0, 1, 4, 5]);
  t.mock.timers.reset();
  const burst = looks.with(1, [900, 120]);
  assert.deepEqual(
    releasesOver(t, burst, 3_000),
    [0, 2, 3, 6, 7],
    'a burst of work ends the rest, and is followed by two releases',
  );
  t.mock.timers.reset();
  const light = looks.with(2, [60, 120]);
  assert.deepEqual(releasesOver(t, light, 3_000), [0, 1, 4, 5], 'light work does not end the rest');
});

test('nothing is released after the end', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const measure = () => ({ cpuMs: 0, residentBytes: 80e6 });
  const calls = { malloc_trim: () => 0, madvise: () => 0 };
  const release = () => assert.fail('released');
  keepMemorySmall({ calls, lookMs: 1_000, measure, release })[Symbol.dispose]();
  t.mock.timers.tick(5_000);
});

test('a system without the functions of the C library keeps its memory', () => {
  const missing = () => assert.fail('there is no such function');
  assert.doesNotThrow(() => releaseMemory({ malloc_trim: missing, madvise: missing }));
});

test('only unchanged pages of read-only files are returned to the kernel', () => {
  const mapping = (line: string, anonymousKiB: number) =>
    `${line}\nSize: 4 kB\nRss: 4 kB\nAnonymous:             ${anonymousKiB} kB\nTHPeligible: 0\n`;
  const smaps = [
    mapping('00400000-00401000 r--p 00000000 fe:01 1234                    /usr/local/bin/node', 0),
    mapping('00402000-00405000 r-xp 00002000 fe:01 1234                    /usr/local/bin/node', 0),
    mapping('00406000-00407000 r--p 00006000 fe:01 1234                    /usr/local/bin/node', 4),
    mapping('00408000-00409000 rw-p 00008000 fe:01 1234                    /usr/local/bin/node', 0),
    mapping('0040a000-0040b000 r--s 00000000 fe:01 1235                    /shared', 0),
    mapping('7f0000000000-7f0000001000 r-xp 00000000 00:00 0', 0),
    mapping('7ffff7fc5000-7ffff7fc7000 r-xp 00000000 00:00 0               [vdso]', 0),
  ].join('');
  assert.deepEqual(readProgramMappings(smaps), [
    { start: 0x40_0000, length: 0x1000 },
    { start: 0x40_2000, length: 0x3000 },
  ]);
});
