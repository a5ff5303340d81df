// SPDX-License-Identifier: Apache-2.0
import type { ApiObject } from '../../cluster/api/api-object.ts';
import type { ApiClient } from '../../cluster/api/client.ts';
import { refused } from '../../cluster/api/refused.ts';
import { isRecord } from '../../cluster/objects/known-object.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { Progress } from '../output/progress.ts';
import type { View } from '../view/view.ts';
import type { BundleFile } from './collect-bundle.ts';

/** Of each container, and all together: a cluster of a thousand nodes has a thousand of ours. */
const bytesEach = 512 * 1024;
const bytesInAll = 32 * 1024 * 1024;

/** The last lines that our pods logged, and those of a run that ended before; what cannot be had is noted. */
export async function collectLogs(
  { client, policyNamespace }: View,
  pods: readonly ApiObject[],
  progress: Progress,
  notes: string[],
): Promise<readonly BundleFile[]> {
  const files: BundleFile[] = [];
  if (client === undefined) return files;
  using reading = progress.begin('reading logs');
  let bytes = 0;
  for (const [index, { metadata, status }] of pods.entries()) {
    reading.say(`reading logs: ${index + 1} of ${pods.length} pods`);
    const base = `/api/v1/namespaces/${encodeURIComponent(policyNamespace)}/pods/${encodeURIComponent(metadata.name)}/log`;
    for (const { container, previous } of runsOf(status)) {
      const name = `logs/${metadata.name}.${container}${previous ? '.previous' : ''}.log`.slice(0, 100);
      if (bytes > bytesInAll) {
        notes.push(`${name}: left out: the logs together are longer than ${bytesInAll} bytes`);
        continue;
      }
      const query = new URLSearchParams({
        container,
        previous: String(previous),
        tailLines: '5000',
        limitBytes: String(bytesEach),
      });
      const read = await readLog(client, `${base}?${query}`);
      if ('fault' in read) notes.push(`${name}: not read: ${read.fault}`);
      else files.push({ name, text: read.text });
      bytes += 'text' in read ? read.text.length : 0;
    }
  }
  return files;
}

function runsOf(status: unknown): readonly { container: string; previous: boolean }[] {
  const statuses = isRecord(status) && Array.isArray(status.containerStatuses) ? status.containerStatuses : [];
  return statuses.filter(isRecord).flatMap(({ name, restartCount }) => {
    const container = String(name);
    const now = { container, previous: false };
    return Number(restartCount) > 0 ? [now, { container, previous: true }] : [now];
  });
}

async function readLog(client: ApiClient, path: string): Promise<{ text: string } | { fault: string }> {
  try {
    const answer = await client.request('GET', path, undefined, { accept: '*/*', timeoutMs: 30_000 });
    if (answer.status !== 200) return { fault: refused('log', answer).message };
    return { text: typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? '') };
  } catch (thrown) {
    return { fault: MacvtapError.from(thrown).message };
  }
}
