// SPDX-License-Identifier: Apache-2.0

import type { ApiObject } from '../../cluster/api/api-resource.ts';
import { compareNatural } from '../../policy/names.ts';
import { type Explanation, explain } from '../../policy/why/explain.ts';
import type { Subject } from '../../policy/why/why-facts.ts';
import { textFlag } from '../../runtime/flags.ts';
import { exitCode, runCommand } from '../../runtime/run-command.ts';
import { lookOf, outputFlag, render } from '../output/look.ts';
import { printLine, startProgress } from '../output/print.ts';
import { contextNamespace, sharedFlags, viewFlags } from '../shared-flags.ts';
import { listIn, textIn, valueIn } from '../view/objects.ts';
import { openView } from '../view/open-view.ts';
import { type MissingPart, printUnread, type View } from '../view/view.ts';
import { factQueries, readFacts } from './read-facts.ts';
import { readPod } from './read-pod.ts';
import { renderExplanation, toReport } from './render-explanation.ts';
import { notFoundError, parseSubject } from './subject.ts';

export const whyLine = {
  command: 'kubectl macvtap why',
  summary:
    'Finds the cause of a problem with a pod, network (nad), node or policy, and prints the fix. For a deployment,\n' +
    'replicaset, statefulset, daemonset, job, vm or vmi, it checks one of the pods, preferably one that is not Ready.\n' +
    'Exit code 0: no problem was found; 1: a cause was found; 2: the object or the cluster could not be read.',
  positionals: ['object', 'name?'],
  flags: {
    namespace: {
      ...textFlag(
        'NAME',
        "namespace of the object (default: the context's namespace, or for a policy the installation's namespace)",
      ),
      short: 'n',
    },
    ...outputFlag,
    ...viewFlags,
  },
  failed: exitCode.usage,
  examples: [
    { purpose: 'Explain a pod that does not start', command: 'kubectl macvtap why pod/web -n vms' },
    { purpose: 'Explain a policy that nodes do not follow', command: 'kubectl macvtap why policy/dataplane' },
  ],
  elsewhere: sharedFlags,
} as const;

export function runWhy(argv: readonly string[]): Promise<void> {
  return runCommand(
    whyLine,
    async (values, [object = '', name]) => {
      // Accept both `pod/vm` and `pod vm`, like kubectl.
      const text = name === undefined ? object : `${object}/${name}`;
      const context = await contextNamespace(values);
      const namespaces = { given: values.namespace, installation: values['installation-namespace'], context };
      const asked = parseWorkload(text, values.namespace ?? context) ?? parseSubject(text, namespaces);
      const progress = startProgress(process.stderr);
      const ahead = isWorkload(asked) ? [] : factQueries(asked, values['installation-namespace']);
      await using view = await openView(values, progress, ahead);
      const print = async (explanation: Explanation, gaps: readonly MissingPart[], introduction?: string) => {
        const report = toReport(explanation, gaps);
        const head = introduction === undefined ? '' : `${introduction}\n\n`;
        await printLine(
          render(report, values.output, () => `${head}${renderExplanation(explanation, lookOf(process.stdout))}`),
        );
        printUnread({ missing: gaps, faults: view.faults });
        return report.isWell ? exitCode.done : exitCode.failed;
      };
      const target = await findTarget(view, asked);
      if ('withoutPods' in target) return await print(target.withoutPods, view.missing);
      const { subject, introduction } = target;
      const { facts, missing } = await readFacts(view, subject, Date.now());
      const explanation = explain(subject, facts);
      if (explanation === undefined) {
        // Report unreadable files, because the object may be in one of them.
        printUnread({ missing: [], faults: view.faults });
        throw await notFoundError(view, subject, facts);
      }
      return await print(explanation, [...view.missing, ...missing], introduction);
    },
    argv,
  );
}

/** The names that kubectl accepts for each workload kind. */
const kinds = {
  Deployment: ['deployment', 'deployments', 'deploy', 'deployment.apps', 'deployments.apps'],
  ReplicaSet: ['replicaset', 'replicasets', 'rs', 'replicaset.apps', 'replicasets.apps'],
  StatefulSet: ['statefulset', 'statefulsets', 'sts', 'statefulset.apps', 'statefulsets.apps'],
  DaemonSet: ['daemonset', 'daemonsets', 'ds', 'daemonset.apps', 'daemonsets.apps'],
  Job: ['job', 'jobs', 'job.batch', 'jobs.batch'],
  VirtualMachine: ['vm', 'vms', 'virtualmachine', 'virtualmachines', 'virtualmachine.kubevirt.io'],
  VirtualMachineInstance: ['vmi', 'vmis', 'virtualmachineinstance', 'virtualmachineinstances'],
} as const;

interface Workload {
  readonly kind: keyof typeof kinds;
  readonly namespace: string;
  readonly name: string;
}

/**
 * The subject to explain. For a workload, the subject is one of its pods, and the introduction gives the number of all
 * its pods. If the workload has no pods, `withoutPods` explains why.
 */
type Target = { readonly subject: Subject; readonly introduction?: string } | { readonly withoutPods: Explanation };

/** Parses a workload such as `deployment/web`. Returns undefined for other kinds. */
function parseWorkload(text: string, namespace: string): Workload | undefined {
  const [written = '', name = '', ...more] = text.split('/');
  const kind = (Object.keys(kinds) as Workload['kind'][]).find((one) =>
    (kinds[one] as readonly string[]).includes(written.toLowerCase()),
  );
  return kind === undefined || name === '' || more.length > 0 ? undefined : { kind, namespace, name };
}

/**
 * Finds the pods of a workload by their owner and chooses one, preferably one that is not Ready. If there are no pods,
 * explains why, using the newest event of the workload. Returns any other subject unchanged.
 */
async function findTarget(view: View, asked: Subject | Workload): Promise<Target> {
  if (!isWorkload(asked)) return { subject: asked };
  const { kind, namespace, name } = asked;
  const pods = ((await view.list({ kind: 'pods', namespace })) ?? []).filter((pod) => isOwnedBy(pod, asked));
  const read = pods
    .map((pod) => readPod(pod, []))
    .sort((left, right) => Number(left.isReady) - Number(right.isReady) || compareNatural(left.name, right.name));
  const [first] = read;
  if (first === undefined) return { withoutPods: await explainNoPods(view, asked) };
  const unready = read.filter(({ isReady }) => !isReady).length;
  const count = read.length === 1 ? '1 pod' : `${read.length} pods, ${unready} of them not Ready`;
  return {
    subject: { kind: 'pod', namespace, name: first.name },
    introduction: `${kind} ${namespace}/${name} has ${count}.`,
  };
}

function isWorkload(asked: Subject | Workload): asked is Workload {
  return asked.kind in kinds;
}

function isOwnedBy(pod: ApiObject, { kind, name }: Workload): boolean {
  return listIn(pod, 'metadata', 'ownerReferences').some((owner) => {
    const [ownerKind, ownerName] = [valueIn(owner, 'kind'), valueIn(owner, 'name')];
    // The VirtualMachineInstance of a VirtualMachine has the same name and owns the pod.
    if (kind === 'VirtualMachine') return ownerKind === 'VirtualMachineInstance' && ownerName === name;
    if (kind !== 'Deployment') return ownerKind === kind && ownerName === name;
    // The name of a Deployment's ReplicaSet consists of the Deployment's name and a hash. Its pods have this hash as a
    // label.
    const hash = textIn(pod, 'metadata', 'labels', 'pod-template-hash');
    return ownerKind === 'ReplicaSet' && hash !== undefined && ownerName === `${name}-${hash}`;
  });
}

/**
 * Explains why a workload has no pods. If admission rejects a pod, the pod never exists. The reason is then in an event
 * of the workload or of its ReplicaSet.
 */
async function explainNoPods(view: View, { kind, namespace, name }: Workload): Promise<Explanation> {
  const events = ((await view.list({ kind: 'events', namespace })) ?? []).filter((event) => {
    const about = textIn(event, 'involvedObject', 'name') ?? '';
    const aboutKind = textIn(event, 'involvedObject', 'kind');
    const isOwn = about === name && (aboutKind === kind || aboutKind === 'VirtualMachineInstance');
    const isOfReplicaSet = kind === 'Deployment' && aboutKind === 'ReplicaSet' && about.startsWith(`${name}-`);
    return textIn(event, 'type') === 'Warning' && (isOwn || isOfReplicaSet);
  });
  const time = (event: ApiObject) => textIn(event, 'lastTimestamp') ?? textIn(event, 'eventTime') ?? '';
  const newest = events.toSorted((left, right) => time(right).localeCompare(time(left)))[0];
  const subject = `${kind} ${namespace}/${name}`;
  const message = newest === undefined ? 'no event explains it' : (textIn(newest, 'message') ?? '');
  return {
    subject,
    causes: [
      {
        code: 'StartFailed',
        isNote: false,
        detail: message,
        steps: [{ object: subject, says: 'has no pods' }],
        fix: {
          text: newest === undefined ? 'check its name, namespace and replicas' : 'fix what the event reports',
          commands: [`kubectl describe ${kinds[kind][0]} ${name} -n ${namespace}`],
        },
      },
    ],
    notes: [],
    checked: [],
  };
}
