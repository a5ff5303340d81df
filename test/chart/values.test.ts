// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { chartFolder, helms, runHelm } from './run-helm.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly additionalProperties?: boolean | Schema;
}

const schema: Schema & { readonly definitions: Readonly<Record<string, Schema>> } = JSON.parse(
  readFileSync(join(chartFolder, 'values.schema.json'), 'utf8'),
);
const values: Values = parse(readFileSync(join(chartFolder, 'values.yaml'), 'utf8'));

interface Values {
  readonly [key: string]: Values | unknown;
}

const resolve = (part: Schema): Schema =>
  part.$ref === undefined ? part : (schema.definitions[part.$ref.replace('#/definitions/', '')] as Schema);

/** Returns the paths of all maps with a fixed set of keys; `[]` is any item of a list. */
function closedMaps(part: Schema, path: readonly string[] = []): readonly (readonly string[])[] {
  const { properties, items } = resolve(part);
  return [
    ...(properties === undefined ? [] : [path]),
    ...Object.entries(properties ?? {}).flatMap(([key, below]) => closedMaps(below, [...path, key])),
    ...(items === undefined ? [] : closedMaps(items, [...path, '[]'])),
  ];
}

/** Returns the paths of maps that accept any key. */
function openMaps(part: Schema, path: readonly string[] = []): readonly string[] {
  const { type, properties, items, additionalProperties } = resolve(part);
  if (type === 'object' && properties === undefined && typeof additionalProperties !== 'object')
    return [path.join('.')];
  return [
    ...Object.entries(properties ?? {}).flatMap(([key, below]) => openMaps(below, [...path, key])),
    ...(items === undefined ? [] : openMaps(items, [...path, '[]'])),
  ];
}

/** Builds nested values with an unknown key at a path: `['a', '[]'] → {a: [{unheardOf: 1}]}`. */
const nest = (path: readonly string[]): unknown =>
  path.reduceRight<unknown>((below, key) => (key === '[]' ? [below] : { [key]: below }), { unheardOf: 1 });

describe('the schema of the values', () => {
  it('has exactly the values of values.yaml', () => {
    const pathsOf = (part: Schema, value: unknown, path = ''): readonly string[] => {
      const { properties } = resolve(part);
      const keys = new Set([
        ...Object.keys(properties ?? {}),
        ...(properties === undefined || value === null || typeof value !== 'object' ? [] : Object.keys(value)),
      ]);
      return [...keys].flatMap((key) => {
        const below = properties?.[key];
        const own = (value as Values | undefined)?.[key];
        const here = path === '' ? key : `${path}.${key}`;
        if (below === undefined) return [`${here} is not in the schema`];
        // An optional value needs no default.
        if (own === undefined) return isOptional(here) ? [] : [`${here} is not in values.yaml`];
        return pathsOf(below, own, here);
      });
    };
    const isOptional = (path: string) =>
      path === 'global' || /\.(affinity|resources)\.|^certManager\.issuerRef\./.test(path);
    assert.deepEqual(pathsOf(schema, values), []);
  });

  it('accepts any key only in the maps that it lists', () => {
    const affinities = ['webhook', 'node'].flatMap((part) =>
      ['nodeAffinity', 'podAffinity', 'podAntiAffinity'].map((kind) => `${part}.affinity.${kind}`),
    );
    const peers = ['metricsFrom', 'reviewsFrom'].flatMap((list) =>
      ['podSelector', 'namespaceSelector'].map((kind) => `networkPolicy.${list}.[].${kind}`),
    );
    assert.deepEqual(openMaps(schema).toSorted(), ['global', ...affinities, ...peers].toSorted());
  });

  const maps = closedMaps(schema);
  for (const helm of helms) {
    it(`makes ${helm} refuse an unknown key at every level`, () => {
      assert.ok(maps.length > 20);
      for (const path of maps) {
        const stdin = JSON.stringify(nest(path));
        const { code, stderr } = runHelm(helm, ['template', 'x', chartFolder, '--values', '-'], { stdin });
        assert.equal(code, 1, path.join('.'));
        assert.match(stderr, /unheardOf/, path.join('.'));
      }
    });
  }

  const wrong = [
    'webhook.drainSeconds=4',
    'webhook.replicas=0',
    'webhook.unknownResource=Perhaps',
    'webhook.failurePolicy.networks=Never',
    'implicitExposure=Some',
    'logLevel=loud',
    'image.pullPolicy=Sometimes',
    'image.node.digest=sha256:1',
    'image.webhook.repository=a b',
    'node.kubeletDir=var/lib/kubelet',
    'node.cniSocketDir=/run/with space',
    'node.maxUnavailable=0%',
    'node.extraArgs={settle}',
    'implicitExclude={a\\,b}',
    'explicitConfig[0].name=a',
    'explicitConfig[0].name=a,explicitConfig[0].lowerDevice=b,explicitConfig[0].mode=source',
    'apiServer.port=0',
    'nameOverride=Macvtap',
    `fullnameOverride=${'a'.repeat(41)}`,
    'commonLabels.team=-a',
    'webhook.tls.minVersion=VersionTLS11',
    'webhook.tls.cipherSuites={a b}',
  ];
  for (const value of wrong) {
    it(`refuses ${value}`, () => {
      const { code, stderr } = runHelm('helm', ['template', 'x', chartFolder, '--set', value]);
      const [key = ''] = value.split(/[=[]/);
      assert.equal(code, 1);
      assert.ok(stderr.includes(`at '/${key.replaceAll('.', '/')}`), stderr);
    });
  }
});

describe('the names of the images', () => {
  const lacking = [
    {
      sets: [],
      message: /image\.(node|webhook)\.repository is empty: no image is published\. Build and push both images/,
    },
    { sets: ['image.node.repository=ghcr.io/a/node'], message: /image\.webhook\.repository is empty/ },
    {
      sets: ['image.node.repository=kube-macvtap/node', 'image.webhook.repository=localhost/webhook'],
      message:
        /image\.node\.repository is "kube-macvtap\/node", which has no registry host.* registry\.example\.com\/kube-macvtap\/node/,
    },
    {
      sets: ['image.node.repository=localhost:5000/node', 'image.webhook.repository=webhook'],
      message: /image\.webhook\.repository is "webhook", which has no registry host/,
    },
  ];
  for (const helm of helms) {
    for (const { sets, message } of lacking) {
      it(`${helm} requires them with ${sets.join(' and ') || 'no values'}`, () => {
        const args = ['template', 'x', chartFolder, ...sets.flatMap((set) => ['--set', set])];
        const { code, stderr } = runHelm(helm, args, { withoutImages: true });
        assert.equal(code, 1);
        assert.match(stderr, message);
      });
    }
  }
});
