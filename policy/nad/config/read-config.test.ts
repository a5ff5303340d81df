// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ownValue } from '../../json.ts';
import { addKeys, type Config, readConfig } from './read-config.ts';

describe('a config that is not JSON', () => {
  for (const [text, place, said] of [
    ['', '1:1', 'the text ends before the JSON is complete'],
    [' \n ', '2:2', 'the text ends before the JSON is complete'],
    ['{"a":1\n"b":2}', '2:1', 'a comma is missing before "b"'],
    ['{"a":1\r\n  "b":2}', '2:3', 'a comma is missing before "b"'],
    ['{"a":1\r "b":2}', '2:2', 'a comma is missing before "b"'],
    ['{"a":[1 2]}', '1:9', 'a comma is missing before 2'],
    ['{"a":1 {}}', '1:8', 'a comma is missing before {'],
    ['{"a":01}', '1:7', 'a comma is missing before 1'],
    ['{"a":1,}', '1:8', 'a comma before }: remove the comma'],
    ['{"a":[1,]}', '1:9', 'a comma before ]: remove the comma'],
    ['{"a" 1}', '1:6', 'a colon is missing before 1'],
    ['{"a":}', '1:6', '} where a value is expected'],
    ['{"a":,"b":1}', '1:6', ', where a value is expected'],
    ['{,}', '1:2', ', where a key in double quotes is expected'],
    ['{"a":1,,}', '1:8', ', where a key in double quotes is expected'],
    ['{5:1}', '1:2', '5 where a key in double quotes is expected'],
    ['{"a":[1}', '1:8', '} does not close the open object or list'],
    ['{"a":1]', '1:7', '] does not close the open object or list'],
    ['{"a":1', '1:7', 'the text ends before the JSON is complete'],
    ['{"a":1}}', '1:8', '} after the end of the JSON text: remove it'],
    ['{} {}', '1:4', '{ after the end of the JSON text: remove it'],
    ['{} "é"', '1:4', '"é" after the end of the JSON text: remove it'],
    ['// why\n{}', '1:1', 'a comment, which JSON does not have: remove it'],
    ['{"a":1 /* why', '1:8', 'a comment, which JSON does not have: remove it'],
    ['\ufeff{}', '1:1', 'a byte order mark, which JSON does not have: save the text without it'],
    ['{\u00a0"a":1}', '1:2', 'the character U+00A0 outside of a string: remove it'],
    ['{"a":\u{1f600}}', '1:6', 'the character U+1F600 outside of a string: remove it'],
    ["{'a':1}", '1:2', "'a': JSON needs double quotes"],
    ['{"a":\'b\'}', '1:6', "'b': JSON needs double quotes"],
    ['{a:1}', '1:2', 'a: write keys in double quotes'],
    ['{"b":1,a:1}', '1:8', 'a: write keys in double quotes'],
    [
      '{"a":True}',
      '1:6',
      'True is not a JSON value: put text in double quotes, or write true, false, null or a number',
    ],
    ['{"a":-}', '1:6', '- is not a JSON value: put text in double quotes, or write true, false, null or a number'],
    ['{"a":1.}', '1:6', '1. is not a complete number'],
    ['{"a":[1e308, -1e309]}', '1:14', '-1e309 is too large for a number'],
    ['{"a":"b\n"}', '1:6', 'the string "b" is not closed on its line'],
    ['{"a":"b\t"}', '1:6', 'the string "b\\t" contains a control character: write it as \\u00XX'],
    ['{"a":"C:\\dir"}', '1:6', 'the string "C:ir" contains a backslash that does not begin a JSON escape: double it'],
    ['{"a":"\\u12"}', '1:6', 'the string "" contains a backslash that does not begin a JSON escape: double it'],
    ['[{}]', '1:1', 'a list where the { of an object is expected'],
    [' \n null', '2:2', 'null where the { of an object is expected'],
    ['"macvtap"', '1:1', '"macvtap" where the { of an object is expected'],
    [`"${'a'.repeat(99)}"`, '1:1', `"${'a'.repeat(40)}…" where the { of an object is expected`],
  ] as const) {
    it(`${JSON.stringify(text).slice(0, 60)} is reported at ${place}`, () => {
      const { fault } = readConfig(text);
      assert.deepEqual([`${fault?.line}:${fault?.column}`, fault?.text], [place, said]);
    });
  }

  it('may be a value that is not text; the error then has no line and column', () => {
    for (const [value, said] of [
      [null, 'null'],
      [5, '5'],
      [true, 'true'],
      [['{}'], 'a list'],
      [{ type: 'macvtap' }, 'an object'],
      [undefined, 'undefined'],
    ] as const) {
      assert.deepEqual(readConfig(value), { fault: { text: `${said} instead of text: write config: '{…}'` } });
    }
  });

  it('is rejected if it has more than 10,000 levels, and read if it has exactly 10,000', () => {
    const deep = (levels: number) => `${'{"a":'.repeat(levels - 1)}[]${'}'.repeat(levels - 1)}`;
    assert.equal(readConfig(deep(10_000)).fault, undefined);
    const fault = readConfig(deep(10_001)).fault;
    assert.deepEqual(fault, { line: 1, column: 50_001, text: 'more than 10000 levels of objects and lists' });
    assert.equal(readConfig('['.repeat(20_000)).fault?.text, 'more than 10000 levels of objects and lists');
  });
});

describe('a config that is JSON', () => {
  it('has the values that JSON.parse reads, with __proto__ and constructor as own keys', () => {
    const { config } = readConfig('{"__proto__":{"type":"macvtap"},"a":[1,{"constructor":null}]}');
    assert.equal(Object.getPrototypeOf(config?.tree), Object.prototype);
    assert.equal(ownValue(config?.tree, 'type'), undefined);
    assert.deepEqual(ownValue(config?.tree, '__proto__'), { type: 'macvtap' });
    assert.equal(ownValue(config?.tree, 'toString'), undefined);
  });

  it('has a list of the paths of its repeated keys, at most eight', () => {
    const repeated = (text: string) => readConfig(text).config?.layout.repeated;
    assert.deepEqual(repeated('{"a":1,"b":{"a":2},"c":[{"a":1},{"a":1}]}'), []);
    assert.deepEqual(repeated('{"a":1,"\\u0061":2,"p":[0,{"m":1,"m":{"x":1,"x":2}}]}'), ['a', 'p[1].m', 'p[1].m.x']);
    assert.deepEqual(repeated('{"__proto__":1,"__proto__":2}'), ['__proto__']);
    assert.equal(repeated(`{${'"a":1,'.repeat(50)}"a":1}`)?.length, 8);
    const deep = `${'{"k":'.repeat(50)}{"k":1,"k":2}${'}'.repeat(50)}`;
    assert.deepEqual(repeated(deep), ['k.k.k.k.k.k.k.k']);
  });

  it('may be two megabytes long', () => {
    const text = JSON.stringify({ type: 'macvtap', args: 'x'.repeat(1_000_000), list: Array(200_000).fill([1]) });
    assert.equal(readConfig(text).config?.tree.type, 'macvtap');
  });
});

describe('any text', () => {
  /** Random sequences of JSON tokens. Unlike random characters, they are often almost valid JSON. */
  const pieces = fc
    .array(
      fc.constantFrom(
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"a"',
        '"',
        '1',
        '-',
        '1.5e+2',
        '.',
        'true',
        'nul',
        ' ',
        '\n',
        '\\',
        '//',
        '/*',
        '\u0001',
        '\ufeff',
      ),
    )
    .map((list) => list.join(''));

  /** Numbers from 1.5e300 to 1.5e2100, and their negatives. The largest float64 is about 1.8e308. */
  const endless = fc
    .tuple(fc.constantFrom('', '-'), fc.integer({ min: 300, max: 2_100 }))
    .map(([sign, exponent]) => `{"a":[${sign}1.5e${exponent}]}`);

  it('can be read exactly if JSON.parse reads it as an object with only finite numbers', () => {
    fc.assert(
      fc.property(
        fc.oneof(pieces, fc.string({ unit: 'binary' }), fc.json(), fc.json().chain(damage), endless),
        (text) => {
          const { config, fault } = readConfig(text);
          assert.deepEqual(config?.tree, parsedObject(text));
          assert.equal(config === undefined, fault !== undefined);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it('that cannot be read has an error position within the text', () => {
    fc.assert(
      fc.property(pieces, (text) => {
        const { fault } = readConfig(text);
        if (fault === undefined) return;
        const line = text.split(/\r\n|\r|\n/)[(fault.line ?? 0) - 1];
        assert.ok(line !== undefined && (fault.column ?? 0) >= 1 && (fault.column ?? 0) <= line.length + 1);
      }),
    );
  });
});

/** Adds or removes one character of a text. */
function damage(text: string): fc.Arbitrary<string> {
  return fc
    .tuple(fc.nat(text.length), fc.constantFrom('', ',', '"', '}', '0', '\\'), fc.nat(1))
    .map(([offset, put, taken]) => text.slice(0, offset) + put + text.slice(offset + taken));
}

/** Parses an object as Multus and libcni do: they reject 1e400, which JSON.parse reads as Infinity. */
function parsedObject(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text, (_key, member: unknown) => {
      if (member === Number.POSITIVE_INFINITY || member === Number.NEGATIVE_INFINITY) throw new RangeError(text);
      return member;
    });
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const mode = { object: '', key: 'mode', value: 'bridge' };

describe('an added key', () => {
  for (const [spacing, before, after] of [
    ['without spaces', '{"type":"macvtap"}', '{"type":"macvtap","mode":"bridge"}'],
    ['on one line', '{"mtu": 9000, "type": "macvtap"}', '{"mtu": 9000, "type": "macvtap", "mode": "bridge"}'],
    ['on one line, one key', '{"type": "macvtap"}', '{"type": "macvtap", "mode": "bridge"}'],
    ['with spaces inside braces', '{ "type": "macvtap" }', '{ "type": "macvtap", "mode": "bridge" }'],
    ['indented', '{\n  "type": "macvtap"\n}\n', '{\n  "type": "macvtap",\n  "mode": "bridge"\n}\n'],
    ['with tabs and CR LF', '{\r\n\t"type" : "macvtap"\r\n}', '{\r\n\t"type" : "macvtap",\r\n\t"mode" : "bridge"\r\n}'],
    [
      'with the indentation of a typical manifest',
      '{\n      "cniVersion": "0.3.1",\n      "type": "macvtap",\n      "mtu": 9000\n    }',
      '{\n      "cniVersion": "0.3.1",\n      "type": "macvtap",\n      "mtu": 9000,\n      "mode": "bridge"\n    }',
    ],
    ['with commas in front', '{ "a":1\n, "type":"macvtap"\n}', '{ "a":1\n, "type":"macvtap", "mode":"bridge"\n}'],
    ['after a value of several lines', '{"a":\n[\n1\n]}', '{"a":\n[\n1\n], "mode": "bridge"}'],
    ['with a very wide gap', `{${' '.repeat(300)}"a":1}`, `{${' '.repeat(300)}"a":1, "mode":"bridge"}`],
  ] as const) {
    it(`fits into a text ${spacing}`, () => assert.equal(addKeys(read(before), [mode]), after));
  }

  it('is added to the given object, in the given order', () => {
    const config = read('{"plugins":[{"type":"tuning"},{"type":"macvtap","x":{"type":1}}]}');
    const keys = [
      { object: '', key: 'name', value: 'n"' },
      { ...mode, object: 'plugins[1]' },
      { ...mode, key: 'b' },
    ];
    assert.equal(
      addKeys(config, keys),
      '{"plugins":[{"type":"tuning"},{"type":"macvtap","x":{"type":1},"mode":"bridge"}],"name":"n\\"","b":"bridge"}',
    );
  });

  it('can be added to many objects at once', () => {
    const plugin = '{"type":"macvtap"}';
    const list = (item: string) => `{"plugins":[${Array.from({ length: 20_000 }, () => item).join()}]}`;
    const keys = Array.from({ length: 20_000 }, (_, index) => ({ ...mode, object: `plugins[${index}]` }));
    assert.ok(addKeys(read(list(plugin)), keys) === list('{"type":"macvtap","mode":"bridge"}'));
  });

  it('is added to the last list of plugins if there are two', () => {
    const config = read('{"plugins":[{"type":"macvtap"}],"plugins":[{"type":"macvtap","mtu":68}]}');
    assert.equal(
      addKeys(config, [{ ...mode, object: 'plugins[0]' }]),
      '{"plugins":[{"type":"macvtap"}],"plugins":[{"type":"macvtap","mtu":68,"mode":"bridge"}]}',
    );
  });
});

function read(text: string): Config {
  return readConfig(text).config as Config;
}
