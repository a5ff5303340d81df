// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { parseNetConf } from '../../nodeplugin/cni/spec/net-conf.ts';
import { ownValue } from '../../policy/json.ts';
import { hasType, pluginType } from '../../policy/nad/config/read-config.ts';
import { type NadObject, readNad, resourceAnnotation, resourceOfNad } from '../../policy/nad/read-nad.ts';
import { reviewNad } from '../../policy/nad/review-nad.ts';
import { resourcePrefix } from '../../policy/plan/resource.ts';
import { networkKey } from '../../policy/pod/count-demand.ts';
import { type NetworkRef, parseNetworks } from '../../policy/pod/parse-networks.ts';
import { reviewPod } from '../../policy/pod/rules.ts';
import { contextIn } from '../fixtures/nad/offers.ts';
import { podContext, podOf } from '../fixtures/pod/build-context.ts';
import { buildGoReading, lacksGo } from './start-go-reading.ts';

const skip = lacksGo();
const runs = 4_000;

/** Returns spellings of a key that Go accepts, and some that it does not. */
const spellings = (key: string) => [
  key,
  key,
  key,
  key.toUpperCase(),
  `${key.slice(0, 1).toUpperCase()}${key.slice(1)}`,
  key.replace('s', '\u017f').replace('k', '\u212a'),
  key.replace('i', '\u0131').replace('I', '\u0130'),
  `${key} `,
];

/** Returns a JSON string, sometimes with its letters as escapes. */
const written = (text: string) =>
  fc
    .boolean()
    .map((isEscaped) =>
      isEscaped
        ? `"${[...text].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`
        : JSON.stringify(text),
    );

const keyOf = (...keys: readonly string[]) => fc.constantFrom(...keys.flatMap(spellings)).chain(written);

const object = (keys: fc.Arbitrary<string>, values: fc.Arbitrary<string>, maxLength = 5) =>
  fc
    .array(fc.tuple(keys, values), { maxLength })
    .map((entries) => `{${entries.map(([key, value]) => `${key}:${value}`).join(',')}}`);

const scalar = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('macvtap', 'bridge', '').chain(written) },
  { weight: 1, arbitrary: fc.constantFrom('null', 'null', '1', 'true', '{}', '[]', '"macvtap\\ud800"', '1e999') },
);
const plugin = object(keyOf('type', 'type', 'name'), scalar, 3);
const list = fc.oneof(
  { weight: 5, arbitrary: fc.array(plugin, { minLength: 1, maxLength: 3 }).map((all) => `[${all.join(',')}]`) },
  { weight: 1, arbitrary: fc.constantFrom('null', '[]', '[null]', '{}', '"macvtap"') },
);
const entry = fc.oneof(
  fc.tuple(keyOf('type', 'type', 'name'), scalar),
  fc.tuple(keyOf('plugins'), list),
  fc.tuple(keyOf('capabilities', 'x'), fc.constantFrom('null', '{}', '{"mac":true}')),
);
const config = fc
  .array(entry, { maxLength: 4 })
  .map((entries) => `{${entries.map(([key, value]) => `${key}:${value}`).join(',')}}`);

const selected = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom('data', 'fast', 'plain', 'tenant').chain(written) },
  { weight: 3, arbitrary: fc.constantFrom('null', '""', '"data\\ud800"') },
  { weight: 1, arbitrary: fc.constantFrom('1', '{}') },
);
const elements = fc
  .array(
    fc
      .tuple(
        object(keyOf('name', 'namespace'), selected),
        object(keyOf('cni-args'), fc.constantFrom('{"a":1}', 'null'), 1),
      )
      .map(([names, args]) => [names, args].map((text) => text.slice(1, -1)).filter((text) => text !== ''))
      .map((entries) => `{${entries.join()}}`),
    { minLength: 1, maxLength: 2 },
  )
  .map((all) => `[${all.join()}]`);

const stdin = fc
  .array(
    fc.oneof(
      fc.tuple(keyOf('name', 'deviceID'), fc.constantFrom('"a"', '"b"', 'null')),
      fc.tuple(keyOf('mtu'), fc.constantFrom('0', '1500', '9000', 'null')),
      fc.tuple(keyOf('mode'), fc.constantFrom('"vepa"', '"bridge"', 'null')),
      fc.tuple(keyOf('args', 'runtimeConfig'), object(keyOf('deviceID'), fc.constantFrom('"c"', 'null'), 2)),
    ),
    { maxLength: 4 },
  )
  .map(
    (entries) => `{"cniVersion":"1.0.0",${[...entries.map(([key, value]) => `${key}:${value}`), '"name":"a"'].join()}}`,
  );

// Multus, libcni and CNI plugins read JSON with Go's encoding/json. The webhook must see every config that Go reads as
// macvtap, and an accepted config must mean the same to both.
describe("Go's JSON reader", { skip }, () => {
  let go: Awaited<ReturnType<typeof buildGoReading>>;
  before(async () => {
    go = await buildGoReading();
  });
  after(() => go[Symbol.dispose]());

  /** Compares how Go and the product read every text. A failure shows the text. */
  function check(
    texts: fc.Arbitrary<string>,
    judge: (text: string, reading: ReturnType<typeof go.read>[number]) => string,
  ) {
    const all = fc.sample(texts, runs);
    const readings = go.read(all);
    assert.equal(readings.length, all.length);
    const outcomes = new Map<string, number>();
    for (const [index, text] of all.entries()) {
      const reading = readings[index];
      assert.ok(reading !== undefined);
      const outcome = judge(text, reading);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    return outcomes;
  }

  it('reads a config like the webhook, unless the webhook refuses it', () => {
    const outcomes = check(config, (text, { networks }) => {
      const isMacvtap = networks.some(({ types }) => types.includes(pluginType));
      const facts = readNad(network(text));
      if (isMacvtap) assert.ok(facts !== undefined, `not seen: ${text}`);
      if (facts === undefined) return 'of others';
      const nad = network(text, { [resourceAnnotation]: `${resourcePrefix}dataplane` });
      if (reviewNad(nad, contextIn('default')).some(({ severity }) => severity === 'deny')) return 'refused';
      const expected = readAsWritten(text);
      for (const { types, name } of networks) {
        assert.deepEqual(types, expected.types, text);
        assert.ok(name === expected.name || (expected.name === '' && name === 'added'), text);
      }
      return 'the same';
    });
    for (const outcome of ['of others', 'refused', 'the same']) assert.ok((outcomes.get(outcome) ?? 0) > 20, outcome);
  });

  it("reads a pod's networks like the webhook, unless the pod is refused", () => {
    const context = podContext('vms');
    const isOurs = (ref: NetworkRef) => resourceOfNad(context.networks.get(networkKey(ref)) as NadObject) !== undefined;
    const outcomes = check(elements, (text, { elements: found }) => {
      if (found === null) return 'refused by Multus';
      const wellFormed = ({ name, namespace }: NetworkRef) => ({
        namespace: namespace.toWellFormed(),
        name: name.toWellFormed(),
      });
      const expected = found
        .filter(({ name }) => name !== '')
        .map(({ name, namespace }) => ({ namespace: namespace || 'vms', name }));
      assert.deepEqual(parseNetworks(text, 'vms').networks.map(wellFormed), expected, text);
      if (reviewPod(podOf(text), context).some(({ code }) => code === 'AmbiguousKey')) return 'ambiguous';
      if (!expected.some(isOurs)) return 'of others';
      const asWritten = JSON.parse(text)
        .filter(({ name }: NetworkRef) => name)
        .map(({ name, namespace }: NetworkRef) => wellFormed({ namespace: namespace || 'vms', name }));
      assert.deepEqual(asWritten, expected, text);
      return 'the same';
    });
    for (const outcome of ['refused by Multus', 'ambiguous', 'of others', 'the same']) {
      assert.ok((outcomes.get(outcome) ?? 0) > 20, outcome);
    }
  });

  it("reads a plugin's standard input like the node plugin, unless the node plugin refuses it", () => {
    const outcomes = check(stdin, (text, { own }) => {
      let conf: ReturnType<typeof parseNetConf>;
      try {
        conf = parseNetConf(new TextEncoder().encode(text));
      } catch {
        return 'refused';
      }
      assert.ok(own !== null, text);
      const inRuntime = own.runtimeConfig as Readonly<Record<string, unknown>>;
      assert.deepEqual(
        [conf.name, conf.deviceID ?? '', conf.mode ?? '', conf.mtu ?? 0],
        [own.name, own.deviceID || inRuntime.deviceID, own.mode, own.mtu],
        text,
      );
      return 'the same';
    });
    for (const outcome of ['refused', 'the same']) assert.ok((outcomes.get(outcome) ?? 0) > 20, outcome);
  });
});

function network(config: string, annotations: Readonly<Record<string, string>> = {}): NadObject {
  return { metadata: { name: 'a', namespace: 'default', annotations }, spec: { config } };
}

/** Reads a config without ambiguous keys. Go reads an unpaired surrogate as U+FFFD; no known name contains either. */
function readAsWritten(text: string): { readonly name: string; readonly types: readonly unknown[] } {
  const tree = JSON.parse(text);
  const types: readonly string[] = hasType(tree)
    ? [tree.type]
    : tree.plugins.map((one: unknown) => ownValue(one, 'type'));
  return { name: tree.name ?? '', types: types.map((type) => type.toWellFormed()) };
}
