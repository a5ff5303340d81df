// SPDX-License-Identifier: Apache-2.0
import { mergeFiles } from '../../cluster/manifests/read-manifests.ts';
import type { ObjectFault } from '../../cluster/objects/known-object.ts';
import { pathText } from '../../cluster/objects/schema-faults.ts';
import type { Snapshot } from '../../cluster/source.ts';
import { isJsonObject } from '../../policy/json.ts';
import { collectOffers } from '../../policy/offers/offers-index.ts';
import { deny, type ReasonCode, type Verdict, warn } from '../../policy/reasons.ts';
import { findLine } from './find-line.ts';
import { type LintFinding, toFinding } from './findings.ts';
import { applyNetworkDefaults, judgeObject, type LintContext } from './judge-object.ts';
import type { LintInput } from './read-inputs.ts';
import { type LintObject, readObjects } from './read-objects.ts';

export interface LintOptions extends Pick<LintContext, 'policyNamespace' | 'multusNamespace'> {
  /** If this is undefined, unknown resources are errors if the files offer any resource, and warnings otherwise. */
  readonly unknownResource: LintContext['unknownResource'] | undefined;
}

export interface LintReport {
  /** Findings in the order of files and lines. On the same line, errors come before warnings. */
  readonly findings: readonly LintFinding[];
  /** The number of objects that rules have checked. */
  readonly judged: number;
}

/** Checks the objects in files with the rules of the webhook, as if the files were the whole cluster. */
export function lintFiles(inputs: readonly LintInput[], options: LintOptions): LintReport {
  const files = inputs.map((input) => readObjects(input, options.policyNamespace));
  const objects = files.flatMap((file) => file.objects);
  const { snapshot: read, findings: repeated } = mergeObjects(objects);
  // A NodeState in files counts even if its Node is missing. In a cluster, such a NodeState would be left over from a
  // deleted Node and would not count.
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
  const merged = mergeVerdicts(object, verdicts ?? []).map((verdict) => soften(verdict, gaps));
  const { file, id } = object;
  return {
    isJudged: verdicts !== undefined,
    findings: merged.map((verdict) => toFinding({ file, line: findLine(object, verdict.path), object: id }, verdict)),
  };
}

/**
 * Merges the verdicts of the schema and of the rules, and removes duplicates. The schema check reports every field that
 * does not match the schema. The rules report only the first of these fields, so their SchemaFault verdicts are dropped
 * if the schema check has some. If a rule denies the same field for another reason, only its message is kept, because
 * it is more specific.
 */
function mergeVerdicts(object: LintObject, verdicts: readonly Verdict[]): readonly Verdict[] {
  const faults = readFaults(object);
  const isShapeReported = object.read?.known !== undefined && faults.some(isShape);
  const ruled = isShapeReported ? verdicts.filter((verdict) => !isShape(verdict)) : verdicts;
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

/**
 * Merges the objects of all files into one cluster, so that a network is checked against policies in other files. If an
 * object is repeated, the first one counts, and each of the others gets a finding.
 */
function mergeObjects(objects: readonly LintObject[]): {
  readonly snapshot: Snapshot;
  readonly findings: readonly LintFinding[];
} {
  const first = new Map<string, LintObject>();
  const findings: LintFinding[] = [];
  for (const object of objects) {
    if (object.read?.known === undefined) continue;
    const earlier = first.getOrInsert(object.id, object);
    if (earlier !== object) findings.push(repeatedFinding(object, earlier));
  }
  const known = [...first.values()].flatMap(({ id, read }) =>
    read?.known === undefined ? [] : [{ id, where: '', known: read.known }],
  );
  return { snapshot: mergeFiles([{ objects: known, faults: [] }]).snapshot, findings };
}

function repeatedFinding({ file, document, root, id }: LintObject, earlier: LintObject): LintFinding {
  const place = `${earlier.file}:${earlier.document.lineOf(earlier.root)}`;
  const line = document.lineOf(root);
  return toFinding({ file, line, object: id }, warn('RepeatedObject', '', `${id} is also in ${place}: remove one`));
}

/**
 * Returns the errors for which an API server would reject an object. For the config map with the explicit
 * configuration, returns the reasons why the configuration is unreadable.
 */
function readFaults({ read, value }: LintObject): readonly Verdict[] {
  if (read?.known?.kind === 'MacvtapNetworkNodePolicy') {
    const { faults } = read.known.value;
    // If the policy matches the schema, the rules themselves report all its errors.
    return faults.some(({ code }) => code === 'SchemaFault') ? faults.map(withoutPath) : [];
  }
  const code = read?.known?.kind === 'ConfigMap' ? 'ExplicitInvalid' : 'SchemaFault';
  const faults = read?.faults ?? [];
  return faults.filter((fault) => !isNamedLater(fault, value)).map((fault) => toVerdict(fault, code));
}

/**
 * Returns whether the error is only about the missing name of an object with generateName. Such an object has no name
 * yet.
 */
function isNamedLater({ path }: ObjectFault, value: unknown): boolean {
  const metadata = isJsonObject(value) && isJsonObject(value.metadata) ? value.metadata : {};
  return path.join('.') === 'metadata.name' && typeof metadata.generateName === 'string';
}

function toVerdict({ path, message }: ObjectFault, code: ReasonCode): Verdict {
  const verdict = deny(code, pathText(path), message);
  // The message has a path with dots only, but `verdict.path` has indexes in brackets.
  return withoutPath({ ...verdict, detail: message.replace(`${path.join('.')}: `, `${verdict.path}: `) });
}

/** Removes the path from the detail, because a finding shows the path separately. */
function withoutPath(verdict: Verdict): Verdict {
  const prefix = `${verdict.path}: `;
  return verdict.detail.startsWith(prefix) ? { ...verdict, detail: verdict.detail.slice(prefix.length) } : verdict;
}

/** The facts about the cluster that the files do not contain. */
interface Gaps {
  /** True if no file offers a resource, and no flag sets how to treat unknown resources. */
  readonly offersUnknown: boolean;
}

/**
 * Turns an error about an object that the files do not contain into a warning, because the cluster may have that
 * object.
 */
function soften(verdict: Verdict, { offersUnknown }: Gaps): Verdict {
  const { severity, code, path, detail } = verdict;
  if (code === 'NamespaceUnknown' && severity === 'deny') {
    return warn(code, path, `${detail}; add the Namespace to the files to check it`);
  }
  if (offersUnknown && (code === 'ResourceUnknown' || code === 'ResourceMissing')) {
    return warn(code, path, `${detail}; lint it together with the policies to check it`);
  }
  return verdict;
}
