// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { LintFinding } from '../../cli/lint/findings.ts';
import { ManifestsDirectory } from '../fixtures/manifests-directory.ts';
import { namespaces, nodeStates, policySpecs } from '../fixtures/nad/offers.ts';
import { type Fixture, listFixtureRules, readFixtures } from '../fixtures/read-fixtures.ts';
import { runProgram } from './run-program.ts';

// Lints the fixtures of the rules. The tests of the rules, and of an API server with the webhook, use the same fixtures
// and expect the same results.

const folderOf = (capability: string) => fileURLToPath(new URL(`../fixtures/${capability}`, import.meta.url));

/** The cluster for the reviews of networks, as manifests. */
const nadCluster = [
  ...Object.entries(policySpecs).map(([name, spec]) => ({
    apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
    kind: 'MacvtapNetworkNodePolicy',
    metadata: { name, namespace: 'macvtap-cni' },
    spec,
  })),
  ...Object.entries(nodeStates).map(([name, state]) => ({ ...state, metadata: { name } })),
  ...Object.entries(namespaces).map(([name, labels]) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, labels },
  })),
];

/** Defaulting turns integers in matchFields into strings before the rules run, so this error does not occur. */
const fixedByDefaults = 'BadFieldRequirement spec.nodeAffinity.nodeSelectorTerms[0].matchFields[5]';

interface Capability {
  readonly name: string;
  readonly cluster?: readonly object[];
  /** A fixture's expected findings, as the command line prints them. */
  readonly expect: (fixture: Fixture) => readonly string[];
  /** Whether a finding counts for the fixture's expectations. */
  readonly counts: (finding: LintFinding, fixture: Fixture) => boolean;
}

const capabilities: readonly Capability[] = [
  { name: 'nad', cluster: nadCluster, expect: ({ expected }) => expected, counts: () => true },
  {
    name: 'pod',
    // Offline, the labels of a namespace outside the files are unknown.
    expect: ({ expected }) => expected.map((line) => line.replace(/^NamespaceUnknown/, 'warn NamespaceUnknown')),
    counts: ({ code }, { expected }) => expected.length === 0 || expected.some((line) => line.includes(`${code} `)),
  },
  {
    name: 'nodepolicy',
    expect: ({ expected }) => expected.filter((line) => line !== fixedByDefaults),
    // All policies select the same nodes. Warnings about that are not under test.
    counts: ({ severity }) => severity === 'error',
  },
];

describe('the fixtures of the schema of policies, linted', () => {
  const [capability] = capabilities.filter(({ name }) => name === 'nodepolicy');
  let found: Map<string, LintFinding[]>;
  before(async () => {
    found = await lintFixtures(capability as Capability);
  });

  for (const verdict of ['pass', 'fail'] as const) {
    for (const fixture of readFixtures('nodepolicy', 'schema', verdict)) {
      it(`are refused at the paths of the schema, or of a stricter rule: ${fixture.title}`, () => {
        const errors = findingsOf(found, 'nodepolicy', fixture).filter(({ severity }) => severity === 'error');
        const shapes = errors.filter(({ code }) => code === 'SchemaFault');
        const placesOf = (findings: readonly LintFinding[]) => new Set(findings.map(({ path }) => path));
        assert.deepEqual(new Set(fixture.expected).difference(placesOf(errors)), new Set());
        assert.deepEqual(placesOf(shapes).difference(new Set(fixture.expected)), new Set());
      });
    }
  }
});

function findingsOf(
  found: ReadonlyMap<string, readonly LintFinding[]>,
  capability: string,
  { title }: Fixture,
): readonly LintFinding[] {
  return found.get(`${folderOf(capability)}/${title}.yaml`) ?? [];
}

/** Returns the command line's findings in a capability's fixtures, by file. */
async function lintFixtures({ name, cluster }: Capability): Promise<Map<string, LintFinding[]>> {
  const manifests = (cluster ?? []).map((object) => JSON.stringify(object)).join('\n---\n');
  await using directory = await ManifestsDirectory.make({ 'cluster.yaml': manifests });
  const { code, stdout } = await runProgram('cli/kubectl-macvtap.ts', [
    'lint',
    directory.path,
    folderOf(name),
    '-o=json',
  ]);
  assert.equal(code, 1);
  return Map.groupBy(JSON.parse(stdout) as readonly LintFinding[], ({ file }) => file);
}

for (const capability of capabilities) {
  const { name, expect, counts } = capability;
  describe(`the fixtures of ${name}, linted`, () => {
    let found: Map<string, LintFinding[]>;
    before(async () => {
      found = await lintFixtures(capability);
    });

    for (const rule of listFixtureRules(name).filter((folder) => folder !== 'schema')) {
      for (const fixture of [...readFixtures(name, rule, 'pass'), ...readFixtures(name, rule, 'fail')]) {
        it(`get the same results as from the rule and from the webhook: ${fixture.title}`, () => {
          const lines = findingsOf(found, name, fixture)
            .filter((finding) => finding.code !== 'RepeatedObject' && counts(finding, fixture))
            .map(({ severity, code, path }) => `${severity === 'warning' ? 'warn ' : ''}${code} ${path}`);
          assert.deepEqual([...new Set(lines)].sort(), [...new Set(expect(fixture))].sort());
        });
      }
    }
  });
}
