// SPDX-License-Identifier: Apache-2.0
import { stringify } from 'yaml';
import { readPolicy } from '../policy/nodepolicy/read-policy.ts';
import type { PolicyObject } from '../policy/nodepolicy/rule.ts';
import { matchNode } from '../policy/plan/match-node.ts';
import { isOutsideNamespace } from '../policy/plan/sources.ts';
import { describeNodes, groupNodes } from '../policy/why/group-nodes.ts';
import { choiceFlag, switchFlag, textFlag } from '../runtime/flag-types.ts';
import type { FlagValues } from '../runtime/flags.ts';
import { exitCode, runCommand } from '../runtime/run-command.ts';
import { printable, textTable } from '../runtime/text-table.ts';
import { readInputs } from './lint/read-inputs.ts';
import { openCluster } from './migrate/open-cluster.ts';
import { type NodeProof, provePlans } from './migrate/prove-plans.ts';
import { readConfiguration } from './migrate/read-configuration.ts';
import { mostExceptions, writePolicies } from './migrate/write-policies.ts';
import { printLine } from './output/print.ts';
import { startProgress } from './output/progress.ts';
import { findExposure, planningFlags } from './plan/exposure.ts';
import { sharedFlags } from './shared-flags.ts';
import { tellGaps } from './view/tell-gaps.ts';
import type { View } from './view/view.ts';
import { viewFlags } from './view/view-flags.ts';

export const migrateLine = {
  command: 'kubectl macvtap migrate',
  summary:
    "Prints macvtap-cni's config map as policies, and on standard error the proof: that no node's plan changes when they\n" +
    'are applied, nor when the config map is deleted then. Where that cannot be proved it prints none, and exits with 1.',
  positionals: [],
  flags: {
    filename: { ...textFlag('FILE', "with the config map or its JSON, or -; else the cluster's own"), short: 'f' },
    name: textFlag('NAME', 'of the policy', 'from-macvtap-cni'),
    unproved: switchFlag('prints policies although some nodes, or all, are not known'),
    output: { ...choiceFlag(['yaml', 'json'], 'how to print', 'yaml'), short: 'o' },
    ...viewFlags,
    ...planningFlags,
  },
  elsewhere: sharedFlags,
} as const;

type Values = FlagValues<typeof migrateLine.flags>;

export function runMigrate(argv: readonly string[]): Promise<void> {
  return runCommand(
    migrateLine,
    async (values) => {
      const tell = (line: string) => console.error(printable(line));
      await using view = await openCluster(values, startProgress(process.stderr), tell);
      const migration = await migrate(view, values);
      const { objects, notes, proofs } = migration;
      console.error(renderProof(proofs));
      for (const note of notes) tell(note);
      tellGaps(view);
      const faults = faultsOf(view, migration, values);
      for (const fault of faults) tell(fault);
      if (faults.length > 0) return exitCode.failed;
      if (values.output === 'json')
        await printLine(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }, null, 2));
      else
        await printLine(
          objects
            .map((object) => stringify(object))
            .join('---\n')
            .trimEnd(),
        );
      return exitCode.done;
    },
    argv,
  );
}

interface Migration {
  readonly objects: readonly object[];
  readonly notes: readonly string[];
  readonly proofs: readonly NodeProof[];
  /** How many nodes other policies select. */
  readonly except: number;
}

async function migrate(view: View, values: Values): Promise<Migration> {
  const { snapshot, policyNamespace } = view;
  const [input] = values.filename === undefined ? [] : await readInputs([values.filename], process.stdin);
  const entries = readConfiguration(input, snapshot);
  const selecting = snapshot.policies.filter((policy) => !isOutsideNamespace(policy));
  const except = [...snapshot.nodes.values()]
    .filter((node) => selecting.some(({ nodes }) => matchNode(node, nodes)))
    .map(({ name }) => name);
  const { objects, notes } = writePolicies(entries, { policyNamespace, name: values.name, except });
  const policies = objects.map((object) => readPolicy(object as unknown as PolicyObject, { policyNamespace }));
  const exposure = await findExposure(values, view);
  return {
    objects,
    notes,
    except: except.length,
    proofs: provePlans({ ...snapshot, explicit: { entries } }, policies, exposure),
  };
}

/** Why the policies are not to be had; empty when they are. */
function faultsOf(
  { missing, snapshot }: View,
  { objects, proofs, except }: Migration,
  values: Values,
): readonly string[] {
  const lacking = missing.filter(({ what }) => /^(Nodes|Macvtap)/.test(what));
  const taken = snapshot.policies.some(({ id }) => id.endsWith(`/${values.name}`));
  return [
    ...lacking.map(({ what }) => `not proved: ${what} could not be read`),
    ...unproved(proofs, 'differs').map((fault) => `not proved: ${fault}`),
    ...(values.unproved
      ? []
      : unproved(proofs, 'unknown').map((fault) => `not proved: ${fault}; --unproved passes over it`)),
    ...(proofs.length === 0 && !values.unproved ? ['not proved: there is no Node; --unproved passes over that'] : []),
    ...(objects.length === 0 ? ['not proved: no entry can be said as a policy'] : []),
    ...(except > mostExceptions
      ? [`not proved: other policies select ${except} nodes, more than the ${mostExceptions} that a policy can except`]
      : []),
    ...(taken ? [`a policy ${values.name} is there already; choose another --name`] : []),
  ];
}

/** What is no proof, told once for all nodes of which it holds. */
function unproved(proofs: readonly NodeProof[], verdict: NodeProof['verdict']): readonly string[] {
  const found = proofs.filter((proof) => proof.verdict === verdict);
  return groupNodes(found, ({ why }) => why).map(({ first, nodes }) => `${describeNodes(nodes)}: ${first.why}`);
}

function renderProof(proofs: readonly NodeProof[]): string {
  if (proofs.length === 0) return 'nothing is proved: no Node is known';
  const rows = proofs.map(({ node, source, verdict, resources, devices }) => [
    node,
    source,
    verdict === 'unknown' ? '-' : String(resources),
    verdict === 'unknown' ? '-' : String(devices),
    { same: 'the same', differs: 'differs', unknown: 'not known' }[verdict],
  ]);
  return textTable(['NODE', 'SOURCE NOW', 'RESOURCES', 'DEVICES', 'AFTERWARDS'], rows);
}
