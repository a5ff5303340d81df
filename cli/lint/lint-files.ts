// SPDX-License-Identifier: Apache-2.0
import { collectOffers } from '../../policy/offers/offers-index.ts';
import type { Verdict } from '../../policy/reasons.ts';
import { applyNetworkDefaults } from './apply-defaults.ts';
import { findLine } from './find-line.ts';
import { type LintFinding, toFinding } from './finding.ts';
import { judgeObject, type LintContext } from './judge-object.ts';
import { mergeObjects } from './merge-objects.ts';
import { readFaults } from './read-faults.ts';
import type { LintInput } from './read-inputs.ts';
import { type LintObject, readObjects } from './read-objects.ts';
import { type Gaps, soften } from './soften.ts';

export interface LintOptions extends Pick<LintContext, 'policyNamespace' | 'multusNamespace'> {
  /** Undefined: refused if the files offer anything, else only told, for then nobody can know. */
  readonly unknownResource: LintContext['unknownResource'] | undefined;
}

export interface LintReport {
  /** In the order of the files and lines, errors of a line before its warnings. */
  readonly findings: readonly LintFinding[];
  /** How many objects the rules are about. */
  readonly judged: number;
}

/** Everything that the webhook would say of the objects in files, if they were the whole cluster. */
export function lintFiles(inputs: readonly LintInput[], options: LintOptions): LintReport {
  const files = inputs.map((input) => readObjects(input, options.policyNamespace));
  const objects = files.flatMap((file) => file.objects);
  const { snapshot: read, findings: repeated } = mergeObjects(objects);
  // In files a state speaks for its node: nobody deletes a Node from them and leaves the state.
  const nodes = new Map(
    [...read.nodeStates.keys()].map((name) => [name, read.nodes.get(name) ?? { name, labels: {} }]),
  );
  const offers = collectOffers({ ...read, nodes });
  const gaps = { offersUnknown: offers.resources.length === 0 && options.unknownResource === undefined };
  const unknownResource = options.unknownResource ?? 'Deny';
  const networks = applyNetworkDefaults(read, { offers, unknownResource });
  const context = { ...options, snapshot: { ...read, networks }, offers, unknownResource };
  const judgements = objects.map((object) => judge(object, context, gaps));
  const findings = [...files, ...judgements].flatMap((each) => each.findings).concat(repeated);
  const byFile = Map.groupBy(findings, ({ file }) => file);
  return {
    findings: inputs.flatMap(({ name }) => byFile.get(name)?.sort(compareFindings) ?? []),
    judged: judgements.filter(({ isJudged }) => isJudged).length,
  };
}

function judge(
  object: LintObject,
  context: LintContext,
  gaps: Gaps,
): { readonly isJudged: boolean; readonly findings: readonly LintFinding[] } {
  const verdicts = judgeObject(object.value, context);
  const told = mergeVerdicts(object, verdicts ?? []).map((verdict) => soften(verdict, gaps));
  const { file, id } = object;
  return {
    isJudged: verdicts !== undefined,
    findings: told.map((verdict) => toFinding({ file, line: findLine(object, verdict.path), object: id }, verdict)),
  };
}

/**
 * What reading and the rules say of an object, each once. The rules stop at the first fault of shape, where the schema
 * tells of all; where both speak of a place, the rule says it better.
 */
function mergeVerdicts(object: LintObject, verdicts: readonly Verdict[]): readonly Verdict[] {
  const faults = readFaults(object);
  const isShapeTold = object.read?.known !== undefined && faults.some(isShape);
  const ruled = isShapeTold ? verdicts.filter((verdict) => !isShape(verdict)) : verdicts;
  const denied = new Set(ruled.filter(({ severity }) => severity === 'deny').map(({ path }) => path));
  const all = [...faults.filter((fault) => !isShape(fault) || !denied.has(fault.path)), ...ruled];
  return [...Map.groupBy(all, ({ code, path, detail }) => JSON.stringify([code, path, detail])).values()].flatMap(
    ([first]) => first ?? [],
  );
}

function isShape({ code }: Verdict): boolean {
  return code === 'SchemaFault';
}

function compareFindings(left: LintFinding, right: LintFinding): number {
  return left.line - right.line || Number(left.severity === 'warning') - Number(right.severity === 'warning');
}
