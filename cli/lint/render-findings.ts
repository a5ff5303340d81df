// SPDX-License-Identifier: Apache-2.0
import { posix } from 'node:path';
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
      return findings.map(textLine).join('\n');
    case 'json':
      return JSON.stringify(findings, null, 2);
    case 'sarif':
      return JSON.stringify(toSarif(findings), null, 2);
    case 'github':
      return findings.map(workflowCommand).join('\n');
  }
}

/** As compilers write it, so that editors find the place. */
function textLine({ file, line, severity, code, path, message, object }: LintFinding): string {
  const place = path === '' ? '' : ` ${path}`;
  const subject = object === '' ? '' : ` [${object}]`;
  return printable(`${file}:${line}: ${severity}: ${code}${place}: ${message}${subject}`);
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
