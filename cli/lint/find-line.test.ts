// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { parseDocuments } from '../../cluster/manifests/parse-documents.ts';
import { findKey, findLine, resolvePath } from './find-line.ts';

/** Returns the line of a path in the first document of a text. */
function lineOf(text: string, path: string, root: readonly (string | number)[] = []): number {
  const [document] = parseDocuments(text);
  if (document === undefined || 'fault' in document.content) throw new Error(`no document in ${text}`);
  const value = root.reduce<unknown>((at, key) => (at as never)[key], document.content.value);
  return findLine({ document, root, value }, path);
}

/** Each file marks the line of the MTU with `<-`. */
const styles = [
  { title: 'a literal block', file: ['spec:', '  config: |', '    {', '      "a": 1,', '      "mtu": 1 <-', '    }'] },
  { title: 'a stripped block', file: ['spec:', '  config: |-', '    {', '      "mtu": 1 <-', '    }'] },
  {
    title: 'a kept block with a comment',
    file: ['spec:', '  config: |+ # "mtu"', '    {', '    "mtu": 1 <-', '    }', ''],
  },
  { title: 'an indented block', file: ['spec:', '  config: |2', '', '      {', '', '      "mtu": 1 <-', '      }'] },
  { title: 'a folded block', file: ['spec:', '  config: >', '    {"a":', '    1,', '', '    "mtu": 1 <-', '    }'] },
  {
    title: 'a folded block with indented lines',
    file: ['spec:', '  config: >-', '    {', '      "mtu": 1 <-', '    }'],
  },
  { title: 'one line of single quotes', file: ['spec:', '  a: 1', `  config: '{"mtu": 1}' <-`] },
  { title: 'lines of single quotes', file: ['spec:', `  config: '{"a": "''",`, '', `    "mtu": 1 <-`, `    }'`] },
  { title: 'escapes on one line', file: ['spec:', '  config: "{\\n\\"a\\": 1,\\n\\"mtu\\": 1\\n}" <-'] },
  {
    title: 'lines of double quotes',
    file: [
      'spec:',
      '  config: "{\\x22a\\u0022: \\U00000031,\\',
      '    \\t\\"b\\": \\"\\\\u00e9\\", ',
      '    \\"mtu\\": 1 <-',
      '    }"',
    ],
  },
  { title: 'a flow', file: ['{"spec": {', '"config": "{\\"mtu\\": 1}" <-', '}}'] },
  { title: 'an anchor elsewhere', file: ['x: &c |', '  {', '  "mtu": 1 <-', '  }', 'spec:', '  config: *c'] },
  { title: 'a tag and an anchor', file: ['spec:', '  config: &c !!str |', '    {', '    "mtu": 1 <-', '    }'] },
];

describe('the line of a key of a config', () => {
  for (const { title, file } of styles) {
    for (const end of ['\n', '\r\n']) {
      it(`is exact for ${title}, with lines that end in ${JSON.stringify(end)}`, () => {
        const text = file.map((line) => line.replace(/ <-$/, '')).join(end);
        assert.equal(lineOf(text, 'spec.config.mtu'), file.findIndex((line) => line.endsWith('<-')) + 1);
      });
    }
  }

  it('is exact for any config in any YAML style', () => {
    const leaf = fc.oneof(
      fc.integer(),
      fc.string({ unit: 'binary' }),
      fc.constant('it\'s "quoted" \\ 😀'),
      fc.constant(null),
    );
    const config = fc.array(fc.tuple(leaf, fc.constantFrom(0, 2)), { minLength: 1, maxLength: 8 });
    const style = fc.constantFrom('BLOCK_LITERAL', 'BLOCK_FOLDED', 'QUOTE_DOUBLE', 'QUOTE_SINGLE', 'PLAIN');
    fc.assert(
      fc.property(config, style, fc.integer({ min: 30, max: 120 }), (leaves, defaultStringType, lineWidth) => {
        const tree = Object.fromEntries(leaves.map(([value], index) => [`key-${index}-`, value]));
        const options = { defaultStringType, lineWidth, defaultKeyType: 'PLAIN' } as const;
        const text = stringify({ spec: { config: JSON.stringify(tree, null, 2) } }, options);
        const lines = text.split('\n');
        for (const key of Object.keys(tree)) {
          const expected = lines.findIndex((line) => line.includes(key)) + 1;
          assert.equal(lineOf(text, `spec.config.${key}`), expected, text);
        }
      }),
    );
  });
});

describe('the line of an invalid config', () => {
  it('is the line of the syntax error in the config', () => {
    const text = 'spec:\n  config: |\n    {\n      "type": "macvtap"\n      "mtu": 1\n    }\n';
    assert.equal(lineOf(text, 'spec.config'), 5);
  });

  it('is the last line of an incomplete config', () => {
    assert.equal(lineOf('spec:\n  config: |\n    {\n      "type": "macvtap",\n\n\na: 1\n', 'spec.config'), 4);
  });

  it('is the line of the field if the config is not a text', () => {
    assert.equal(lineOf('a: 1\nspec:\n  config:\n    type: macvtap\n', 'spec.config'), 3);
    assert.equal(lineOf('a: 1\nspec:\n  config:\n', 'spec.config.mtu'), 3);
  });
});

describe('the line of a field', () => {
  const list = 'kind: List\nitems:\n  - a: 1\n  - metadata:\n      labels:\n        example.com/a.b: x\n';

  it('is found in an item of a list, even if its key has dots', () => {
    assert.equal(lineOf(list, 'metadata.labels[example.com/a.b]', ['items', 1]), 6);
  });

  it('is the line of the nearest enclosing field that exists', () => {
    assert.equal(lineOf(list, 'metadata.annotations[example.com/c]', ['items', 1]), 4);
    assert.equal(lineOf(list, 'spec.config.mtu', ['items', 0]), 3);
    assert.equal(lineOf(list, '', ['items', 1]), 4);
  });

  it('is the line of the field for a verdict about the whole config', () => {
    assert.equal(lineOf('spec:\n  config: |\n    {\n    }\n', 'spec.config'), 2);
    assert.equal(lineOf('spec:\n  config: |\n    {\n    }\n', 'spec.config.plugins'), 2);
  });
});

const long = 'k'.repeat(60);
const value = {
  metadata: { annotations: { 'a.b/c': 1, a: { b: 1 }, 'x]y': 1 }, labels: { '': 1 } },
  list: [{ mode: 'bridge' }, null],
  [long]: { deep: 1 },
  text: '{"a":1}',
};

const pathCases: readonly { path: string; keys: readonly (string | number)[]; rest?: string }[] = [
  { path: '', keys: [] },
  { path: 'list[0].mode', keys: ['list', 0, 'mode'] },
  { path: 'metadata.annotations[a.b/c]', keys: ['metadata', 'annotations', 'a.b/c'] },
  { path: 'metadata.annotations.a.b/c', keys: ['metadata', 'annotations', 'a.b/c'] },
  { path: 'metadata.annotations.a.b', keys: ['metadata', 'annotations', 'a', 'b'] },
  { path: 'metadata.annotations[x]y]', keys: ['metadata', 'annotations', 'x]y'] },
  { path: `${'k'.repeat(40)}….deep`, keys: [long, 'deep'] },
  { path: 'text.a', keys: ['text'], rest: '.a' },
  { path: 'list[1].mode', keys: ['list', 1], rest: '.mode' },
  { path: 'list[2]', keys: ['list'], rest: '[2]' },
  { path: 'list.mode', keys: ['list'], rest: '.mode' },
  { path: 'lis', keys: [], rest: 'lis' },
  { path: 'metadata.annotations[missing]', keys: ['metadata', 'annotations'], rest: '[missing]' },
  { path: 'constructor.name', keys: [], rest: 'constructor.name' },
];

describe('the path of a verdict', () => {
  for (const { path, keys, rest = '' } of pathCases) {
    it(`is resolved as far as it exists: ${path}`, () => assert.deepEqual(resolvePath(value, path), { keys, rest }));
  }
});

const json = '{"a": 1, "b": {"a": [{"c": "}"}, {"c": 2}]}, "d": [[1], [2, 3]]}';

const keyCases = [
  { path: ['a'], at: '"a": 1' },
  { path: ['b'], at: '"b"' },
  { path: ['b', 'a', 0, 'c'], at: '"c": "}"' },
  { path: ['b', 'a', 1], at: '{"c": 2}' },
  { path: ['b', 'a', 1, 'c'], at: '"c": 2' },
  { path: ['d', 1, 1], at: '3' },
  { path: ['b', 'z', 'c'], at: '"b"' },
  { path: ['z'], at: '{"a": 1' },
] as const;

describe('a key of a JSON text', () => {
  for (const { path, at } of keyCases) {
    it(`is found, or the nearest enclosing one: ${path.join('.')}`, () => {
      assert.equal(findKey(json, path), json.indexOf(at));
    });
  }

  it('that is repeated is found in its last occurrence, and so are the keys in it', () => {
    assert.equal(findKey('{"a": 1, "a": 2}', ['a']), 9);
    assert.equal(findKey('{"a": {"b": 1}, "a": {}}', ['a', 'b']), 16);
  });

  it('is found at any depth', () => {
    const deep = `{"a": ${'['.repeat(9_000)}${']'.repeat(9_000)}, "b": 1}`;
    assert.equal(findKey(deep, ['b']), deep.indexOf('"b"'));
  });
});
