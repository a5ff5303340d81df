// SPDX-License-Identifier: Apache-2.0

import { isAbsolute, posix } from 'node:path';
import { pathToFileURL } from 'node:url';
import { reasonFixes, reasonReference } from '../../policy/reason-fixes.ts';
import { type ReasonCode, reasons, type Verdict } from '../../policy/reasons.ts';
import { printable } from '../../runtime/terminal-text.ts';

/**
 * A verdict about one place of a file.
 *
 * @example { file: 'nad.yaml', line: 7, object: 'NetworkAttachmentDefinition default/dataplane',
 *   code: 'ModeNotOffered', severity: 'error', path: 'spec.config.mode',
 *   message: 'the resource is not offered in this mode (…)' }
 */
export interface LintFinding {
  /**
   * The path of the file as on the command line. If the file was found in a given directory, the path begins with that
   * directory. `-` is standard input.
   */
  readonly file: string;
  /** The line number, counted from 1. */
  readonly line: number;
  /** The object, or an empty text if no object could be read. */
  readonly object: string;
  readonly code: ReasonCode;
  /** `error` if the webhook or the API server would reject the object. Otherwise `warning`. */
  readonly severity: 'error' | 'warning';
  /** The path in the object, or an empty text if the verdict is about the whole object. */
  readonly path: string;
  readonly message: string;
}

/** Converts a rule's verdict to a finding. */
export function toFinding(
  place: Pick<LintFinding, 'file' | 'line' | 'object'>,
  { code, path, severity, reason, detail }: Verdict,
): LintFinding {
  return {
    ...place,
    code,
    severity: severity === 'deny' ? 'error' : 'warning',
    path,
    message: detail === '' ? reason : `${reason} (${detail})`,
  };
}

/** The output formats of findings. */
export const lintFormats = ['text', 'json', 'sarif', 'github'] as const;

export type LintFormat = (typeof lintFormats)[number];

/**
 * Renders findings for a person, a script, a code scanner or a GitHub workflow. Without findings, the result is empty
 * in the formats `text` and `github`.
 */
export function renderFindings(findings: readonly LintFinding[], format: LintFormat): string {
  switch (format) {
    case 'text':
      return together(findings).flatMap(textLines).join('\n');
    case 'json':
      return JSON.stringify(findings.map(withHelp), null, 2);
    case 'sarif':
      return JSON.stringify(toSarif(findings), null, 2);
    case 'github':
      return findings.map(workflowCommand).join('\n');
  }
}

/** Adds the fix of a finding, and the path of the page in this repository that explains its code. */
function withHelp(finding: LintFinding): object {
  return { ...finding, help: reasonFixes[finding.code], reference: reasonReference(finding.code) };
}

/** Groups consecutive findings that have the same place, code and object, and differ only in their details. */
function together(findings: readonly LintFinding[]): readonly (readonly [LintFinding, ...LintFinding[]])[] {
  const groups: [LintFinding, ...LintFinding[]][] = [];
  for (const finding of findings) {
    const last = groups.at(-1);
    if (last !== undefined && headOf(last[0]) === headOf(finding) && last[0].object === finding.object)
      last.push(finding);
    else groups.push([finding]);
  }
  return groups;
}

/**
 * Renders a group in the format of compiler errors, so that editors can find the place. Several details follow on
 * separate lines.
 */
function textLines(group: readonly [LintFinding, ...LintFinding[]]): readonly string[] {
  const [first, second] = group;
  const lines =
    second === undefined
      ? [`${headOf(first)}: ${first.message}${subjectOf(first)}`]
      : [`${headOf(first)}: ${reasons[first.code]}${subjectOf(first)}`, ...group.map((each) => `  ${detailOf(each)}`)];
  return lines.map(printable);
}

function headOf({ file, line, severity, code, path }: LintFinding): string {
  return `${file}:${line}: ${severity}: ${code}${path === '' ? '' : ` ${path}`}`;
}

function subjectOf({ object }: LintFinding): string {
  return object === '' ? '' : ` [${object}]`;
}

/** Returns the detail of a message, without the fixed reason of its code. */
function detailOf({ code, message }: LintFinding): string {
  const [reason, end] = [`${reasons[code]} (`, ')'];
  return message.startsWith(reason) && message.endsWith(end) ? message.slice(reason.length, -end.length) : message;
}

/**
 * Renders a finding as an annotation of a GitHub workflow. A finding in standard input has no file and line. Line ends
 * and other control characters are escaped, so that text from files cannot start another workflow command.
 * Source: github.com/actions/toolkit packages/core/src/command.ts, escapeData and escapeProperty.
 */
function workflowCommand({ file, line, severity, code, path, message }: LintFinding): string {
  const place = file === '-' ? [] : [`file=${escapeProperty(posix.normalize(file))}`, `line=${line}`];
  const text = path === '' ? message : `${path}: ${message}`;
  return `::${severity} ${[...place, `title=${escapeProperty(code)}`].join(',')}::${escapeData(printable(text))}`;
}

function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/**
 * Converts findings to a SARIF log for code scanners. Source: OASIS SARIF 2.1.0. The comments below cite sections of
 * that document.
 */
export function toSarif(findings: readonly LintFinding[]): object {
  const codes = [...new Set(findings.map(({ code }) => code))].sort();
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'kubectl-macvtap', rules: codes.map(toRule) } },
        results: findings.map((finding) => toResult(finding, codes.indexOf(finding.code))),
      },
    ],
  };
}

/**
 * Describes a code as a rule (section 3.49). The help text contains the path of the explanation, because a helpUri
 * would have to be absolute (3.49.12).
 */
function toRule(code: ReasonCode): object {
  const help = `${reasonFixes[code]} See ${reasonReference(code)}.`;
  return { id: code, shortDescription: { text: reasons[code] }, help: { text: help } };
}

/** Converts a finding to a result (section 3.27). */
function toResult({ file, line, code, severity, path, message, object }: LintFinding, ruleIndex: number): object {
  return {
    ruleId: code,
    ruleIndex,
    level: severity,
    message: { text: path === '' ? message : `${path}: ${message}` },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri: toUri(file) }, region: { startLine: line } },
        ...(object !== '' && { logicalLocations: [{ fullyQualifiedName: object }] }),
      },
    ],
  };
}

/**
 * Converts a path to a normalized URI reference (section 3.4.3). As scanners expect, a relative path stays relative to
 * the working directory.
 */
function toUri(file: string): string {
  if (file === '-') return 'stdin';
  if (isAbsolute(file)) return pathToFileURL(file).href;
  return posix.normalize(file.toWellFormed()).split('/').map(encodeURIComponent).join('/');
}
