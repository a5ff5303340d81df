// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reasonFixes } from '../../policy/reason-fixes.ts';
import { reasons } from '../../policy/reasons.ts';
import { type LintFinding, renderFindings, toSarif } from './findings.ts';

const finding: LintFinding = {
  file: './nets/nad.yaml',
  line: 7,
  object: 'NetworkAttachmentDefinition default/dataplane',
  code: 'ModeNotOffered',
  severity: 'error',
  path: 'spec.config.mode',
  message: 'not offered (mode vepa)',
};
const hostile: LintFinding = {
  ...finding,
  file: 'a:b,c%\n::error::x',
  severity: 'warning',
  path: '',
  message: '100 %\r\n::error::\u001b[31m',
};

describe('findings as text', () => {
  it('begin with the place, in a format that editors can read', () => {
    assert.equal(
      renderFindings([finding, { ...finding, object: '', path: '' }], 'text'),
      './nets/nad.yaml:7: error: ModeNotOffered spec.config.mode: not offered (mode vepa) [NetworkAttachmentDefinition default/dataplane]\n' +
        './nets/nad.yaml:7: error: ModeNotOffered: not offered (mode vepa)',
    );
  });

  it('with the same place and code are grouped: the reason is written once, with each detail below it', () => {
    const overlap = (detail: string): LintFinding => ({
      ...finding,
      code: 'PolicyOverlap',
      severity: 'warning',
      path: 'spec',
      message: `${reasons.PolicyOverlap} (${detail})`,
    });
    const other = { ...overlap('c'), object: 'other' };
    const head = `./nets/nad.yaml:7: warning: PolicyOverlap spec: ${reasons.PolicyOverlap}`;
    assert.deepEqual(renderFindings([overlap('a (1)'), overlap('b'), other, finding], 'text').split('\n'), [
      `${head} [NetworkAttachmentDefinition default/dataplane]`,
      '  a (1)',
      '  b',
      `${head} (c) [other]`,
      './nets/nad.yaml:7: error: ModeNotOffered spec.config.mode: not offered (mode vepa) [NetworkAttachmentDefinition default/dataplane]',
    ]);
  });

  it('have one line each, for any content of the files', () => {
    assert.match(renderFindings([hostile], 'text'), /^[ -~]+$/);
    assert.equal(renderFindings([hostile, hostile], 'text').split('\n').length, 3);
  });

  it('are an empty text if there are none', () => {
    assert.equal(renderFindings([], 'text'), '');
    assert.equal(renderFindings([], 'github'), '');
  });
});

describe('findings as JSON', () => {
  it('are a list, which may be empty, and each has its fix', () => {
    const help = { help: reasonFixes.ModeNotOffered, reference: 'docs/reference/reasons.md#ModeNotOffered' };
    assert.deepEqual(JSON.parse(renderFindings([finding, hostile], 'json')), [
      { ...finding, ...help },
      { ...hostile, ...help },
    ]);
    assert.deepEqual(JSON.parse(renderFindings([], 'json')), []);
  });
});

describe('findings as commands of a GitHub workflow', () => {
  it('name the file by its path in the repository', () => {
    assert.equal(
      renderFindings([finding], 'github'),
      '::error file=nets/nad.yaml,line=7,title=ModeNotOffered::spec.config.mode: not offered (mode vepa)',
    );
  });

  it('are one command each, for any content of the files', () => {
    assert.equal(
      renderFindings([hostile], 'github'),
      '::warning file=a%3Ab%2Cc%25%0A%3A%3Aerror%3A%3Ax,line=7,title=ModeNotOffered::100 %25\\u000d\\u000a::error::\\u001b[31m',
    );
  });

  it('name no file if they are on standard input', () => {
    assert.match(renderFindings([{ ...finding, file: '-' }], 'github'), /^::error title=ModeNotOffered::/);
  });
});

const podFinding: LintFinding = {
  file: 'nad.yaml',
  line: 7,
  object: 'Pod default/web',
  code: 'NetworkMissing',
  severity: 'warning',
  path: 'spec',
  message: 'text',
};

/** The parts of a SARIF log that these tests read. */
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
  it('has a rule for each code and a result for each finding, with the fields of the standard', () => {
    assert.deepEqual(read([podFinding]).runs, [
      {
        tool: {
          driver: {
            name: 'kubectl-macvtap',
            rules: [
              {
                id: 'NetworkMissing',
                shortDescription: { text: reasons.NetworkMissing },
                help: {
                  text: `${reasonFixes.NetworkMissing} See docs/reference/reasons.md#NetworkMissing.`,
                },
              },
            ],
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

  it('contains each rule once, and each result refers to its rule', () => {
    const codes = ['NotYAML', 'IllegalMtu', 'NotYAML', 'BadGlob'] as const;
    const [run] = read(codes.map((code) => ({ ...podFinding, code }))).runs;
    const rules = run?.tool.driver.rules.map(({ id }) => id) ?? [];
    assert.deepEqual(rules, ['BadGlob', 'IllegalMtu', 'NotYAML']);
    for (const { ruleId, ruleIndex } of run?.results ?? []) assert.equal(rules[ruleIndex], ruleId);
  });

  it('has one run without results if there are no findings, so that a scanner closes its alerts', () => {
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
      const [result] = read([{ ...podFinding, file }]).runs[0]?.results ?? [];
      assert.equal(result?.locations[0]?.physicalLocation.artifactLocation.uri, uri);
    });
  }
});
