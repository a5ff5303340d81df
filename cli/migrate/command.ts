// SPDX-License-Identifier: Apache-2.0

import { emptySnapshot, type Snapshot } from '../../cluster/source.ts';
import { findAddressRequests } from '../../policy/nad/check-ipam.ts';
import { readNad } from '../../policy/nad/read-nad.ts';
import { readPolicy } from '../../policy/nodepolicy/read-policy.ts';
import type { PolicyObject } from '../../policy/nodepolicy/rule.ts';
import { explicitConfigMap } from '../../policy/plan/from-explicit.ts';
import { matchNode } from '../../policy/plan/match-labels.ts';
import { isOutsideNamespace } from '../../policy/plan/plan-node.ts';
import { describeNodes, groupNodes } from '../../policy/why/node-scheduling.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { choiceFlag, type FlagValues, switchFlag, textFlag } from '../../runtime/flags.ts';
import { exitCode, runCommand } from '../../runtime/run-command.ts';
import { printable, textTable } from '../../runtime/terminal-text.ts';
import { readInputs } from '../lint/read-inputs.ts';
import { stringifyYAML } from '../output/look.ts';
import { type Progress, printLine, printToStderr, startProgress } from '../output/print.ts';
import { findExposure, planningFlags, sharedFlags, type ViewFlags, viewFlags } from '../shared-flags.ts';
import { openView } from '../view/open-view.ts';
import { printUnread, type View } from '../view/view.ts';
import { type NodeProof, provePlans } from './prove-plans.ts';
import { mostExceptions, readConfiguration, writePolicies } from './write-policies.ts';

export const migrateLine = {
  command: 'kubectl macvtap migrate',
  summary:
    "Converts macvtap-cni's config map to policies. Checks that no node's plan changes when the policies are applied and\n" +
    'the config map is deleted, and prints the result on standard error. If a plan changes or is unknown, prints no policy.\n' +
    'Exit code 0: no plan changes, or nothing to do; 1: a plan changes or is unknown.',
  positionals: [],
  flags: {
    filename: {
      ...textFlag(
        'FILE',
        'file with the config map or its JSON, or - for standard input (default: the config map in the cluster)',
      ),
      short: 'f',
    },
    name: textFlag('NAME', 'name of the policy', 'from-macvtap-cni'),
    unproved: switchFlag('print policies even if the interfaces of some or all nodes are not known'),
    output: { ...choiceFlag(['yaml', 'json'], 'output format', 'yaml'), short: 'o' },
    ...viewFlags,
    ...planningFlags,
  },
  examples: [
    {
      purpose: 'Convert the config map of the cluster and apply the policies',
      command: 'kubectl macvtap migrate | kubectl apply -f -',
    },
    {
      purpose: 'Convert a file without a cluster and without the check',
      command: 'kubectl macvtap migrate -f config-map.yaml --unproved',
    },
  ],
  elsewhere: sharedFlags,
} as const;

type Values = FlagValues<typeof migrateLine.flags>;

/** The parts of the cluster that are needed to prove that no plan changes. */
const needed = /^(Nodes|Macvtap)/;

export function runMigrate(argv: readonly string[]): Promise<void> {
  return runCommand(
    migrateLine,
    async (values) => {
      const note = (line: string) => printToStderr(printable(line));
      await using view = await openCluster(values, startProgress(process.stderr), note);
      const done = nothingToDo(view, values);
      if (done !== undefined) {
        note(`nothing to do: ${done}`);
        return exitCode.done;
      }
      const migration = await migrate(view, values);
      const { objects, notes, proofs } = migration;
      printToStderr(renderProof(proofs));
      notes.forEach(note);
      printUnread(view);
      const faults = faultsOf(view, migration, values);
      faults.forEach(note);
      if (faults.length > 0) return exitCode.failed;
      if (values.output === 'json')
        await printLine(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }, null, 2));
      else await printLine(objects.map((object) => stringifyYAML(object)).join('\n---\n'));
      if (view.snapshot.explicit !== undefined) note(whenToDelete(view));
      return exitCode.done;
    },
    argv,
  );
}

/**
 * Returns the reason why there is nothing left to migrate, for example in a second run. Returns undefined if there is
 * something to migrate, or if the cluster could not be read completely.
 */
function nothingToDo({ snapshot, missing, policyNamespace }: View, { name, filename }: Values): string | undefined {
  const { policies, nodes, explicit } = snapshot;
  if (missing.some(({ what }) => needed.test(what) || what.startsWith('ConfigMap'))) return undefined;
  if (!policies.some(({ id }) => id === `${policyNamespace}/${name}`)) return undefined;
  if (explicit === undefined && filename === undefined) return `policy ${name} exists, and the config map is deleted`;
  if (nodes.size === 0 || selectedNodes(snapshot).length < nodes.size) return undefined;
  const unused = explicit === undefined ? '' : `, so the config map has no effect: ${deleteCommand(policyNamespace)}`;
  return `policies select every node${unused}`;
}

/** Returns the names of the nodes that policies select. macvtap-cni's config map has no effect on these nodes. */
function selectedNodes({ policies, nodes }: Snapshot): readonly string[] {
  const effective = policies.filter((policy) => !isOutsideNamespace(policy));
  return [...nodes.values()]
    .filter((node) => effective.some((policy) => matchNode(node, policy.nodes)))
    .map(({ name }) => name);
}

/**
 * Explains when to delete macvtap-cni's config map. It must not be deleted before the policies are applied. Otherwise,
 * nodes without a policy would use implicit exposure in between.
 */
function whenToDelete({ policyNamespace }: View): string {
  return (
    'apply the policies first; when kubectl macvtap status shows no SOURCE explicit any more, delete the config map: ' +
    deleteCommand(policyNamespace)
  );
}

function deleteCommand(namespace: string): string {
  return `kubectl delete configmap ${explicitConfigMap.name} -n ${namespace}`;
}

interface Migration {
  readonly objects: readonly object[];
  readonly notes: readonly string[];
  readonly proofs: readonly NodeProof[];
  /** The number of nodes that existing policies already select. */
  readonly except: number;
}

async function migrate(view: View, values: Values): Promise<Migration> {
  const { snapshot, policyNamespace } = view;
  const [input] = values.filename === undefined ? [] : await readInputs([values.filename], process.stdin);
  const entries = readConfiguration(input, snapshot);
  const except = selectedNodes(snapshot);
  const { objects, notes } = writePolicies(entries, { policyNamespace, name: values.name, except });
  const policies = objects.map((object) => readPolicy(object as unknown as PolicyObject, { policyNamespace }));
  const exposure = await findExposure(values, view);
  return {
    objects,
    notes: [...notes, ...listIpamNetworks(snapshot)],
    except: except.length,
    proofs: provePlans({ ...snapshot, explicit: { entries } }, policies, exposure),
  };
}

/** Lists the networks with `ipam`. macvtap-cni silently ignores this key, and the webhook warns about it. */
function listIpamNetworks({ networks }: Snapshot): readonly string[] {
  return [...networks].flatMap(([key, network]) => {
    const nad = readNad(network);
    return (nad === undefined ? [] : findAddressRequests(nad)).map(
      ({ path, detail }) => `network ${key}: ${path}: ${detail}`,
    );
  });
}

/** Returns the reasons not to print the policies. The list is empty if they can be printed. */
function faultsOf(
  { missing, snapshot }: View,
  { objects, proofs, except }: Migration,
  values: Values,
): readonly string[] {
  const unread = missing.filter(({ what }) => needed.test(what));
  const taken = snapshot.policies.some(({ id }) => id.endsWith(`/${values.name}`));
  return [
    ...unread.map(({ what }) => `not proved: ${what} could not be read`),
    ...unproved(proofs, 'differs').map((fault) => `not proved: ${fault}`),
    ...(values.unproved
      ? []
      : unproved(proofs, 'unknown').map(
          (fault) => `not proved: ${fault}; use --unproved to print policies without this proof`,
        )),
    ...(proofs.length === 0 && !values.unproved
      ? ['not proved: there are no Nodes; use --unproved to print policies without a proof']
      : []),
    ...(objects.length === 0 ? ['not proved: a policy can express none of the entries'] : []),
    ...(except > mostExceptions
      ? [`not proved: other policies select ${except} nodes, but a policy can exclude at most ${mostExceptions}`]
      : []),
    ...(taken ? [`policy ${values.name} exists already; choose another --name`] : []),
  ];
}

/** Returns the reasons of all proofs with the given verdict. Nodes with the same reason share one line. */
function unproved(proofs: readonly NodeProof[], verdict: NodeProof['verdict']): readonly string[] {
  const found = proofs.filter((proof) => proof.verdict === verdict);
  return groupNodes(found, ({ why }) => why).map(({ first, nodes }) => `${describeNodes(nodes)}: ${first.why}`);
}

function renderProof(proofs: readonly NodeProof[]): string {
  if (proofs.length === 0) return 'nothing is proved: there are no Nodes';
  const rows = proofs.map(({ node, source, verdict, resources, devices }) => [
    node,
    source,
    verdict === 'unknown' ? '-' : String(resources),
    verdict === 'unknown' ? '-' : String(devices),
    { same: 'the same', differs: 'differs', unknown: 'not known' }[verdict],
  ]);
  return textTable(['NODE', 'SOURCE NOW', 'RESOURCES', 'DEVICES', 'AFTERWARDS'], rows);
}

interface OpenFlags extends ViewFlags {
  readonly filename: string | undefined;
  readonly unproved: boolean;
}

/**
 * Opens the cluster whose plans are compared. With both -f and --unproved, a cluster is not needed: if there is no
 * kubeconfig, the result is an empty cluster, and `print` gets the reason. Otherwise raises the errors of `openView`.
 */
export async function openCluster(flags: OpenFlags, progress: Progress, print: (line: string) => void): Promise<View> {
  const { filename, unproved, kubeconfig, context, 'installation-namespace': policyNamespace } = flags;
  try {
    return await openView(flags, progress);
  } catch (thrown) {
    const isNamed = kubeconfig !== undefined || context !== undefined;
    const { code, message } = MacvtapError.from(thrown);
    if (filename === undefined || !unproved || isNamed || code !== 'ApiServerUnknown') throw thrown;
    print(`continuing without a cluster: ${message}`);
    return {
      where: 'no cluster',
      policyNamespace,
      snapshot: emptySnapshot,
      faults: [],
      missing: [],
      client: undefined,
      list: async () => [],
      async [Symbol.asyncDispose]() {},
    };
  }
}
