// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { crdFiles } from '../../cluster/objects/crd-schema.ts';
import { fillInAnnotations, findErrors, readChanges } from './artifact-hub.ts';
import { root, sourceFiles } from './source-files.ts';

const chart = readFileSync(`${root}charts/kube-macvtap/Chart.yaml`, 'utf8');
const { annotations } = parse(chart) as { annotations: Readonly<Record<string, string>> };
const annotation = (name: string) => parse(annotations[`artifacthub.io/${name}`] ?? '');

test("Artifact Hub accepts the chart's annotations", () => {
  assert.deepEqual(findErrors(annotations), []);
  for (const name of ['category', 'changes', 'crds', 'images', 'license', 'links']) assert.ok(annotation(name), name);
});

test('the annotations have the changes of the changelog; if not, run npm run generate', () => {
  assert.equal(chart, fillInAnnotations(chart, readFileSync(`${root}CHANGELOG.md`, 'utf8')));
});

test('the annotations name the CRDs of the chart', () => {
  const found = Object.values(crdFiles).map((file) => {
    const crd = parse(readFileSync(file, 'utf8'));
    return { kind: crd.spec.names.kind, version: crd.spec.versions[0].name, name: crd.metadata.name };
  });
  const named: readonly Readonly<Record<string, string>>[] = annotation('crds');
  assert.deepEqual(
    named.map(({ kind, version, name }) => ({ kind, version, name })),
    found,
  );
});

test('the annotations link only to pages that the documentation also links to', () => {
  const pages = sourceFiles('.md').map(({ text }) => text);
  const linked: readonly { readonly url: string }[] = annotation('links');
  assert.deepEqual(
    linked.filter(({ url }) => !pages.some((text) => text.includes(`](${url})`))),
    [],
  );
});

const bad: readonly (readonly [name: string, value: unknown, error: RegExp])[] = [
  ['change', '- Something', /no such annotation/],
  ['changes', '- kind: improved\n  description: Something', /changes\/0\/kind must be equal to one of/],
  ['changes', '- kind: fixed', /must have required property 'description'/],
  ['changes', '[]', /must NOT have fewer than 1 items/],
  ['images', '- name: webhook\n  image: webhook:1.0.0', /images\/0\/image must match pattern/],
  ['images', '- name: webhook\n  image: registry.example.com/Webhook:1.0.0', /images\/0\/image must match pattern/],
  ['images', '- name: webhook\n  img: registry.example.com/webhook:1.0.0', /must NOT have additional properties/],
  ['links', '- name: Page\n  url: page.html', /links\/0\/url must match pattern/],
  ['category', 'network', /category must be equal to one of/],
  ['operator', 'yes', /operator must be equal to one of/],
  ['operator', true, /operator: not a string/],
  ['signKey', 'fingerprint: C874011F0AB405110D02105534365D9472D7468F', /must have required property 'url'/],
  ['crds', '- kind: Policy', /must have required property 'version'/],
];

for (const [name, value, error] of bad) {
  test(`Artifact Hub does not accept ${name}: ${JSON.stringify(value)}`, () => {
    assert.match(findErrors({ [`artifacthub.io/${name}`]: value }).join('\n'), error);
  });
}

test('only the newest version of the changelog is read, with lines joined', () => {
  const changelog =
    '# Changelog\n\nText.\n\n## 2.0.0\n\n### Added\n\n- One\n  line.\n- Two.\n\n### Fixed\n\n- Three.\n\n## 1.0.0\n\n### Added\n\n- Old.\n';
  assert.deepEqual(readChanges(changelog), [
    { kind: 'added', description: 'One line.' },
    { kind: 'added', description: 'Two.' },
    { kind: 'fixed', description: 'Three.' },
  ]);
});
