// SPDX-License-Identifier: Apache-2.0
import type { ReportedInterface } from '../plan/interfaces.ts';
import type { Labels, NodeFacts } from '../plan/match-labels.ts';
import { type ReasonCode, type Verdict, warn } from '../reasons.ts';
import type { Policy } from './read-policy.ts';

/** The facts that warnings need in addition to the policy. */
export interface PolicyWarningContext {
  /** All policies. They may contain an earlier version of the reviewed policy, which the rules ignore. */
  readonly others: readonly Policy[];
  /** All known nodes, by name. */
  readonly nodes: ReadonlyMap<string, NodeFacts>;
  /** Returns the names and altnames of a node's interfaces, or undefined if the node has not reported them. */
  readonly interfacesOf?: (node: string) => ReadonlySet<string> | undefined;
  /** Returns the interface with this name or altname from a node's report. */
  readonly findInterface?: (node: string, name: string) => ReportedInterface | undefined;
  /** The labels of all known namespaces, by name. */
  readonly namespaces?: ReadonlyMap<string, Labels>;
  /** The old policy, on an update. */
  readonly earlier?: Policy;
}

/** A rule about settings that are legal but may surprise the policy's author. The severity is always warn. */
export type PolicyWarning = (policy: Policy, context: PolicyWarningContext) => readonly Verdict[];

/** The maximum length of a warning in characters. Longer warnings are cut by kubectl and the API server. */
const maxChars = 256;

/** How many names of a list are shown, and how many characters of each name. */
const shownNames = 3;
const shownChars = 32;

/** Formats a number with a noun: `3 nodes`, `1 node`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** Lists the first names of a list that may be long, each cut to 32 characters: `h1, h2, h3, ...`. */
export function listNames(names: readonly string[]): string {
  const shown = names.slice(0, shownNames).map((name) => clip(name, shownChars));
  return [...shown, ...(names.length > shown.length ? ['...'] : [])].join(', ');
}

/** Formats a list of nodes: `3 nodes: h1, h2, h3`. The number comes first, because the end may be cut. */
export function countNodes(names: readonly string[]): string {
  return `${count(names.length, 'node')}: ${listNames(names)}`;
}

/**
 * Returns a warning with the text `code path: reason (detail)`. If the text is longer than the limit, the end of the
 * detail is cut. So the most important part of a detail must come first, and lists and long names must come last.
 */
export function warnBriefly(code: ReasonCode, path: string, detail: string): Verdict {
  const verdict = warn(code, path, detail);
  const room = maxChars - `${code} ${path}: ${verdict.reason} ()`.length;
  return { ...verdict, detail: clip(detail, room) };
}

/** Shortens a text to the limit by cutting its end. */
export function clip(text: string, limit: number): string {
  return text.length <= limit ? text : `${text.slice(0, limit - 3).toWellFormed()}...`;
}
