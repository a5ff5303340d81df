// SPDX-License-Identifier: Apache-2.0
import { kubectl } from './kubectl.ts';
import type { PodStanding } from './why-facts.ts';

/**
 * How a pod is made anew, since what the webhook adds to one it adds when it is made: a virtual machine is restarted, a
 * pod of a controller deleted, and a bare one replaced by itself. `edit` is a sed expression for what is to change.
 */
export function recreatePod({ namespace, name, owner }: PodStanding, edit?: string): string {
  if (owner?.kind === 'VirtualMachineInstance') return `virtctl restart ${owner.name} -n ${namespace}`;
  if (owner !== undefined) return kubectl('delete', 'pod', name, '-n', namespace);
  // A pod that names its node is given to that one past the scheduler.
  const edits = ["-e '/^  nodeName: /d'", ...(edit === undefined ? [] : [`-e '${edit}'`])].join(' ');
  return `${kubectl('get', 'pod', name, '-n', namespace, '-o', 'yaml')} | sed ${edits} | kubectl replace --force -f -`;
}
