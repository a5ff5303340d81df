// SPDX-License-Identifier: Apache-2.0
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLinks } from '../../../nodeplugin/links/links.ts';
import { timeMs } from '../interleave.ts';
import type { BareReport, BareTimes } from './bare-attach.ts';
import { quietMs } from './quiet.ts';

// Usage: node bare-attach-process.ts <parent link>. Runs in the network namespace of that link, with an IPC channel to
// the process that started it.
const [parent] = process.argv.slice(2);
// The same number of concurrent removals as in the node plugin.
await using links = await openLinks({ removalsAtOnce: 16 });
const parentIfindex = (await links.readInterfaces()).find(({ name }) => name === parent)?.ifindex;
if (parentIfindex === undefined) throw new Error(`no interface ${parent}`);

/**
 * The first index, which is below the node plugin's range (0x4000_0000 and up). All processes share /dev, so each one
 * uses a separate range of 4,096.
 */
const firstIfindex = 0x2800_0000 + (process.pid % 0x8000) * 0x1000;

async function measure(paths: readonly string[]): Promise<BareTimes> {
  await using undo = new AsyncDisposableStack();
  const pods = await Promise.all(
    paths.map(async (path, index) => {
      const { fd } = undo.use(await open(path, 'r'));
      return { path, fd, ifindex: firstIfindex + index };
    }),
  );
  type Pod = (typeof pods)[number];
  const each = async (work: (pod: Pod) => Promise<void>) => {
    const times = await Promise.all(pods.map((pod) => timeMs(() => work(pod))));
    await sleep(quietMs);
    return times;
  };
  const request = ({ ifindex }: Pod, name: string) =>
    ({ name, ifindex, parentIfindex: parentIfindex as number, mode: 'bridge' }) as const;
  const remove = ({ path, ifindex }: Pod) => links.deleteLinkIn(path, ifindex);
  const createTimes = await each((pod) =>
    links.createMacvtap({
      ...request(pod, 'net1'),
      macAddress: macOf(pod.ifindex),
      up: true,
      silent: true,
      netnsFd: pod.fd,
    }),
  );
  const deleteTimes = await each(remove);
  await each((pod) => links.createMacvtap(request(pod, outsideName(pod.ifindex))));
  const moveTimes = await each(({ ifindex, fd }) => links.moveLink({ ifindex, netnsFd: fd, name: 'net1' }));
  await each(remove);
  return { create: createTimes, delete: deleteTimes, move: moveTimes };
}

const ended = Promise.withResolvers<void>();
process.on('message', (paths: readonly string[]) => {
  measure(paths)
    .catch((thrown: unknown): BareReport => ({ error: String(thrown) }))
    .then((report) => process.send?.(report));
});
process.on('disconnect', ended.resolve);
await ended.promise;

/**
 * Returns a link name with the product's own pattern. A node plugin on the same node ignores such links, and does not
 * read its interfaces again.
 */
function outsideName(ifindex: number): string {
  return `mvtba4e${ifindex.toString(16).padStart(8, '0').slice(-8)}`;
}

function macOf(ifindex: number): string {
  const bytes = [24, 16, 8, 0].map((shift) => ((ifindex >>> shift) & 0xff).toString(16).padStart(2, '0'));
  return `02:ba:${bytes.join(':')}`;
}
