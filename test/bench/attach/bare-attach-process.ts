// SPDX-License-Identifier: Apache-2.0
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLinks } from '../../../nodeplugin/links/links.ts';
import { timeMs } from '../interleave.ts';
import type { BareReport, BareTimes } from './bare-attach.ts';
import { quietMs } from './quiet.ts';

// node bare-attach-process.ts <parent>, inside the namespace of the parent, with a channel to whoever started it.
const [parent] = process.argv.slice(2);
// As many at once as the node plugin allows itself.
await using links = await openLinks({ removalsAtOnce: 16 });
const parentIfindex = (await links.readInterfaces()).find(({ name }) => name === parent)?.ifindex;
if (parentIfindex === undefined) throw new Error(`no interface ${parent}`);

/** Below what the node plugin takes (0x4000_0000 up); /dev is one for all, so each process has 4,096 of its own. */
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

/** Of our own pattern: a node plugin beside does not take it for a change of the node's interfaces, and reads nothing. */
function outsideName(ifindex: number): string {
  return `mvtba4e${ifindex.toString(16).padStart(8, '0').slice(-8)}`;
}

function macOf(ifindex: number): string {
  const bytes = [24, 16, 8, 0].map((shift) => ((ifindex >>> shift) & 0xff).toString(16).padStart(2, '0'));
  return `02:ba:${bytes.join(':')}`;
}
