// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reasons } from '../../policy/reasons.ts';
import type { LintFinding } from './finding.ts';
import { renderFindings } from './render-findings.ts';

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
  it('begin with the place, as editors and people find it', () => {
    assert.equal(
      renderFindings([finding, { ...finding, object: '', path: '' }], 'text'),
      './nets/nad.yaml:7: error: ModeNotOffered spec.config.mode: not offered (mode vepa) [NetworkAttachmentDefinition default/dataplane]\n' +
        './nets/nad.yaml:7: error: ModeNotOffered: not offered (mode vepa)',
    );
  });

  it('of one place and code tell the reason once, and each detail below it', () => {
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

  it('are one line each, whatever stands in the files', () => {
    assert.match(renderFindings([hostile], 'text'), /^[ -~]+$/);
    assert.equal(renderFindings([hostile, hostile], 'text').split('\n').length, 3);
  });

  it('are no text at all when there are none', () => {
    assert.equal(renderFindings([], 'text'), '');
    assert.equal(renderFindings([], 'github'), '');
  });
});

describe('findings as JSON', () => {
  it('are a list, also of none', () => {
    assert.deepEqual(JSON.parse(renderFindings([finding, hostile], 'json')), [finding, hostile]);
    assert.deepEqual(JSON.parse(renderFindings([], 'json')), []);
  });
});

describe('findings as commands of a GitHub workflow', () => {
  it('name the file as the repository does', () => {
    assert.equal(
      renderFindings([finding], 'github'),
      '::error file=nets/nad.yaml,line=7,title=ModeNotOffered::spec.config.mode: not offered (mode vepa)',
    );
  });

  it('are one command each, whatever stands in the files', () => {
    assert.equal(
      renderFindings([hostile], 'github'),
      '::warning file=a%3Ab%2Cc%25%0A%3A%3Aerror%3A%3Ax,line=7,title=ModeNotOffered::100 %25\\x0d\\x0a::error::\\x1b[31m',
    );
  });

  it('hang on no file for standard input', () => {
    assert.match(renderFindings([{ ...finding, file: '-' }], 'github'), /^::error title=ModeNotOffered::/);
  });
});
