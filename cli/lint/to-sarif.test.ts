// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reasons } from '../../policy/reasons.ts';
import type { LintFinding } from './finding.ts';
import { toSarif } from './to-sarif.ts';

const finding: LintFinding = {
  file: 'nad.yaml',
  line: 7,
  object: 'Pod default/web',
  code: 'NetworkMissing',
  severity: 'warning',
  path: 'spec',
  message: 'text',
};

/** What is read of a log here. */
interface Log {
  readonly version: string;
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
    readonly results: readonly {
      readonly ruleId: string;
      readonly ruleIndex: number;
      readonly locations: readonly { readonly physicalLocation: { artifactLocation: { uri: string } } }[];
    }[];
  }[];
}

const read = (findings: readonly LintFinding[]) => toSarif(findings) as Log;

describe('a SARIF log', () => {
  it('has a rule for each code and a result for each finding, as the standard names their fields', () => {
    assert.deepEqual(read([finding]).runs, [
      {
        tool: {
          driver: {
            name: 'kubectl-macvtap',
            rules: [{ id: 'NetworkMissing', shortDescription: { text: reasons.NetworkMissing } }],
          },
        },
        results: [
          {
            ruleId: 'NetworkMissing',
            ruleIndex: 0,
            level: 'warning',
            message: { text: 'spec: text' },
            locations: [
              {
                physicalLocation: { artifactLocation: { uri: 'nad.yaml' }, region: { startLine: 7 } },
                logicalLocations: [{ fullyQualifiedName: 'Pod default/web' }],
              },
            ],
          },
        ],
      },
    ]);
  });

  it('names each rule once, and every result points at its own', () => {
    const codes = ['NotYAML', 'IllegalMtu', 'NotYAML', 'BadGlob'] as const;
    const [run] = read(codes.map((code) => ({ ...finding, code }))).runs;
    const rules = run?.tool.driver.rules.map(({ id }) => id) ?? [];
    assert.deepEqual(rules, ['BadGlob', 'IllegalMtu', 'NotYAML']);
    for (const { ruleId, ruleIndex } of run?.results ?? []) assert.equal(rules[ruleIndex], ruleId);
  });

  it('has one run without results when there are no findings, so that a scanner closes its alerts', () => {
    const { version, runs } = read([]);
    assert.deepEqual([version, runs.map(({ results }) => results)], ['2.1.0', [[]]]);
  });

  for (const [file, uri] of [
    ['./a/b.yaml', 'a/b.yaml'],
    ['a//b c.yaml', 'a/b%20c.yaml'],
    ['x:y.yaml', 'x%3Ay.yaml'],
    ['/etc/ä#1.yaml', 'file:///etc/%C3%A4%231.yaml'],
    ['\ud800.yaml', '%EF%BF%BD.yaml'],
    ['-', 'stdin'],
  ] as const) {
    it(`writes the file ${JSON.stringify(file)} as a URI reference`, () => {
      const [result] = read([{ ...finding, file }]).runs[0]?.results ?? [];
      assert.equal(result?.locations[0]?.physicalLocation.artifactLocation.uri, uri);
    });
  }
});
