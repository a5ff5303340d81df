// SPDX-License-Identifier: Apache-2.0
import { posix } from 'node:path';
import { reasons } from '../../policy/reasons.ts';
import { printable } from '../../runtime/text-table.ts';
import type { LintFinding } from './finding.ts';
import { toSarif } from './to-sarif.ts';

/** How findings can be printed. */
export const lintFormats = ['text', 'json', 'sarif', 'github'] as const;

export type LintFormat = (typeof lintFormats)[number];

/** Findings as a person, a script, a code scanner or a GitHub workflow reads them; empty for no text. */
export function renderFindings(findings: readonly LintFinding[], format: LintFormat): string {
  switch (format) {
    case 'text':
      return together(findings).flatMap(textLines).join('\n');
    case 'json':
      return JSON.stringify(findings, null, 2);
    case 'sarif':
      return JSON.stringify(toSarif(findings), null, 2);
    case 'github':
      return findings.map(workflowCommand).join('\n');
  }
}

/** Those that follow each other and say the same of the same place; they differ in their details alone. */
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

/** As compilers write it, so that editors find the place; below it the details, where there are several. */
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

/** What a message tells beside the reason that its code always has. */
function detailOf({ code, message }: LintFinding): string {
  const [reason, end] = [`${reasons[code]} (`, ')'];
  return message.startsWith(reason) && message.endsWith(end) ? message.slice(reason.length, -end.length) : message;
}

/**
 * One annotation; standard input has no file to hang it on. What is not of this program's making cannot end the command
 * and begin another one: line ends are escaped, and other control characters written out.
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
