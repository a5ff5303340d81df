// SPDX-License-Identifier: Apache-2.0
import { isAbsolute, posix } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ReasonCode, reasons } from '../../policy/reasons.ts';
import type { LintFinding } from './finding.ts';

/**
 * Findings as a SARIF log, the form that code scanners take. Source: OASIS SARIF 2.1.0; the sections are those of its
 * prose.
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

/** Section 3.49. */
function toRule(code: ReasonCode): object {
  return { id: code, shortDescription: { text: reasons[code] } };
}

/** Section 3.27. */
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

/** Section 3.4.3: a URI reference, normalized; a relative one is from where the command ran, as scanners want it. */
function toUri(file: string): string {
  if (file === '-') return 'stdin';
  if (isAbsolute(file)) return pathToFileURL(file).href;
  return posix.normalize(file.toWellFormed()).split('/').map(encodeURIComponent).join('/');
}
