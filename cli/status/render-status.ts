// SPDX-License-Identifier: Apache-2.0
import { describeNodes, groupNodes, nameSome } from '../../policy/why/node-scheduling.ts';
import { type Cell, printable, textTable } from '../../runtime/terminal-text.ts';
import { type Look, type Paint, wrapText } from '../output/look.ts';
import { type NodeStatus, type PolicyStatus, type ResourceStatus, type StatusReport, sumHeld } from './build-status.ts';

const tones = { Healthy: 'good', Degraded: 'poor', Unhealthy: 'bad' } as const;

/** Renders nodes with their resources, then policies with their conditions, then notes. */
export function renderStatus(report: StatusReport, look: Look): string {
  const { nodes, policies = [], isOfFiles = false, notInstalledIn } = report;
  const notes = [
    ...(nodes.some(({ resources }) => resources.some(isHeldElsewhere)) ? [stayingNote] : []),
    // Nodes with the same note share one line.
    ...groupNodes(nodes.flatMap(nodeNotes), ({ text }) => text).map(
      ({ first, nodes: names }) => `${describeNodes(names)}: ${first.text}`,
    ),
    ...(notInstalledIn === undefined ? policies.flatMap((policy) => policyNotes(policy, isOfFiles)) : []),
  ].map((note) => look.paint('poor', look.width === undefined ? note : wrapText(note, look.width, '', '  ')));
  return [
    ...(notInstalledIn === undefined ? [] : [look.paint('bad', notInstalledText(notInstalledIn)), '']),
    nodesText(report, look),
    ...(policies.length === 0 ? [] : ['', policyTable(policies, look)]),
    ...(notes.length === 0 ? [] : ['', ...notes]),
  ].join('\n');
}

function nodesText({ nodes, isOfFiles = false }: StatusReport, look: Look): string {
  if (nodes.length === 0) return 'no node is known';
  const isSilent = ({ source, resources }: NodeStatus) => source === undefined && resources.length === 0;
  return isOfFiles && nodes.every(isSilent) ? noReportsText : nodeTable(nodes, look);
}

const noReportsText =
  'The files have no reports of node plugins (status.resources of a MacvtapNetworkNodeState), so there is no status.\n' +
  'To see the resources that nodes would expose, run kubectl macvtap plan with the same --source.';

/**
 * Explains how to remove what an earlier installation left on the cluster and its nodes. The paths are the chart's
 * defaults.
 */
function notInstalledText(namespace: string): string {
  const crds = ['policies', 'states'].map((kind) => `macvtapnetworknode${kind}.macvtap.network.kubevirt.io`);
  const paths = ['opt/cni/bin/macvtap', 'run/kube-macvtap', 'var/lib/kube-macvtap'].map((path) => `/host/${path}`);
  return [
    `kube-macvtap is not installed in namespace ${namespace}: there is no DaemonSet of the node plugin.`,
    'The tables show what an earlier installation left. To remove policies and node states, run:',
    `  kubectl delete crd ${crds.join(' ')}`,
    'To remove the files on nodes, once no pod with a macvtap is left, run:',
    '  for node in $(kubectl get nodes -o name); do',
    `    kubectl debug $node --profile=sysadmin --image=busybox -- rm -rf ${paths.join(' ')}`,
    '  done',
  ].join('\n');
}

const stayingNote = 'before an edit: devices that pods hold keep their parent and mode until the pods end';

function isHeldElsewhere({ heldElsewhere = [] }: ResourceStatus): boolean {
  return heldElsewhere.length > 0;
}

/** Renders the nodes. The table has the column ALLOCATION only if a node uses dynamic resource allocation. */
function nodeTable(nodes: readonly NodeStatus[], { paint, width }: Look): string {
  const hasDra = nodes.some(({ allocation }) => allocation === 'DRA');
  const rows = nodes.flatMap((node): Cell[][] => {
    const last = hasDra ? [node.allocation ?? '-'] : [];
    return node.resources.length === 0
      ? [[node.name, '-', '-', '-', '-', '-', node.source ?? 'unknown', ...last]]
      : node.resources.flatMap((resource) => [
          [node.name, ...resourceCells(resource, paint), ...last],
          ...elsewhereCells(resource).map((cells) => [node.name, ...cells, ...last]),
        ]);
  });
  const header = ['NODE', 'RESOURCE', 'PARENT', 'MODE', 'HELD', 'HEALTH', 'SOURCE'];
  return textTable(hasDra ? [...header, 'ALLOCATION'] : header, rows, width);
}

function resourceCells(resource: ResourceStatus, paint: Paint): readonly Cell[] {
  const { name, parent, mode, held, heldElsewhere = [], quantity, health, code, source, policy } = resource;
  const text = [health ?? 'unknown', ...(code === undefined ? [] : [code])].join(' ');
  return [
    name,
    parent ?? '-',
    mode ?? '-',
    `${held === undefined ? '?' : held - sumHeld(heldElsewhere)}/${quantity}`,
    health === undefined ? text : { text, style: (padded) => paint(tones[health], padded) },
    policy ?? source,
  ];
}

/** Returns a row for each former parent and mode of the resource where pods still hold devices. */
function elsewhereCells({ name, heldElsewhere = [] }: ResourceStatus): readonly (readonly Cell[])[] {
  return heldElsewhere.map(({ parent, mode, held }) => [name, parent, mode, String(held), '-', 'before an edit']);
}

function policyTable(policies: readonly PolicyStatus[], { paint, width }: Look): string {
  const rows = policies.map((policy): Cell[] => {
    const cell = (type: string, good: string): Cell => {
      const condition = policy.conditions.find((one) => one.type === type);
      if (condition === undefined) return '-';
      const { status, reason } = condition;
      if (status === good) return { text: status, style: (text) => paint('good', text) };
      return { text: `${status} ${reason}`, style: (text) => paint(status === 'Unknown' ? 'poor' : 'bad', text) };
    };
    const nodes = policy.matchedNodes === undefined ? '-' : `${policy.exposingNodes ?? '?'}/${policy.matchedNodes}`;
    return [policy.name, cell('Accepted', 'True'), cell('Exposed', 'True'), cell('Conflicted', 'False'), nodes];
  });
  return textTable(['POLICY', 'ACCEPTED', 'EXPOSED', 'CONFLICTED', 'NODES'], rows, width);
}

function nodeNotes({ name: node, doubts, conflicts, troubles, formerHolders = [] }: NodeStatus) {
  const texts = [
    ...formerHolders.map(
      ({ resource, pods, isAll }) =>
        `devices of ${resource} from before the edit are held by ${isAll ? '' : 'some of '}${nameSome(pods)}; ` +
        'recreate the pods to move them',
    ),
    ...doubts,
    ...troubles.map(({ code, message }) => `${code}: ${message}`),
    ...conflicts.map(({ name: loser, code, message }) => `${code}: ${message ?? loser}`),
  ];
  return texts.map((text) => ({ node, text: printable(text) }));
}

function policyNotes({ name, conditions, isBehind }: PolicyStatus, isOfFiles: boolean): readonly string[] {
  if (conditions.length === 0)
    return isOfFiles ? [] : [`${name}: no conditions yet; the webhook writes them: check that its Deployment is ready`];
  return isBehind
    ? [
        `${name}: its conditions are for an older generation of the policy; check that the webhook's Deployment is ready`,
      ]
    : [];
}
