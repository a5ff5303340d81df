// SPDX-License-Identifier: Apache-2.0
import { kubectl } from './kubectl.ts';
import type { PodStanding } from './why-facts.ts';

/** What is to be otherwise with the new pod. */
export interface PodChange {
  /** An expression for sed, on the pod as YAML. */
  readonly sed?: string;
  /** `key=value` of an annotation. */
  readonly annotation?: string;
}

/**
 * How a pod is made anew, since what the webhook adds to one it adds when it is made: a virtual machine is restarted, a
 * pod of a controller deleted, and a bare one replaced by itself.
 */
export function recreatePod({ namespace, name, owner }: PodStanding, { sed, annotation }: PodChange = {}): string {
  if (owner?.kind === 'VirtualMachineInstance') return `virtctl restart ${owner.name} -n ${namespace}`;
  if (owner !== undefined) return kubectl('delete', 'pod', name, '-n', namespace);
  const annotated =
    annotation === undefined
      ? []
      : [kubectl('annotate', '--local', '-f', '-', '--overwrite', annotation, '-o', 'yaml')];
  // A pod that names its node is given to that one past the scheduler.
  const edits = ["-e '/^  nodeName: /d'", ...(sed === undefined ? [] : [`-e '${sed}'`])];
  return [
    kubectl('get', 'pod', name, '-n', namespace, '-o', 'yaml'),
    ...annotated,
    `sed ${edits.join(' ')}`,
    'kubectl replace --force -f -',
  ].join(' | ');
}
