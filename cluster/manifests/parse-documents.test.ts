// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDocuments } from './parse-documents.ts';

function read(text: string) {
  return parseDocuments(text).map(({ number, line, content }) => ({
    number,
    line,
    ...('value' in content ? { value: content.value } : { fault: true }),
  }));
}

describe('the documents of a file', () => {
  it('are numbered from 1, with their first line', () => {
    assert.deepEqual(read('a: 1\n---\n\n# on b\nb: 2\n---\nc: 3\n'), [
      { number: 1, line: 1, value: { a: 1 } },
      { number: 2, line: 5, value: { b: 2 } },
      { number: 3, line: 7, value: { c: 3 } },
    ]);
  });

  it('do not include empty ones, but those are counted', () => {
    assert.deepEqual(read('---\n---\na: 1\n---\n'), [{ number: 2, line: 3, value: { a: 1 } }]);
    for (const text of ['', '\n', '# nothing\n', '---\n', '\uFEFF', 'null']) assert.deepEqual(read(text), []);
  });

  it('may be JSON', () => {
    assert.deepEqual(read('{"a": {"b": [1]}}'), [{ number: 1, line: 1, value: { a: { b: [1] } } }]);
  });

  it('are the same with a byte order mark and with CRLF', () => {
    assert.deepEqual(read('\uFEFFa: 1\r\n---\r\nb:\r\n  - x\r\n'), [
      { number: 1, line: 1, value: { a: 1 } },
      { number: 2, line: 3, value: { b: ['x'] } },
    ]);
  });

  it('must have texts as keys, and no anchor inside its own value, as in kubectl', () => {
    assert.deepEqual(read('a: &x {b: 1}\n*x : 2\n'), [{ number: 1, line: 2, fault: true }]);
    const refused = ['? {a: b}\n: c\n', '{[a, b]: c}', 'a: &x [*x]', 'a: &x {b: {c: *x}}'];
    // The YAML library would need minutes to convert the text with 400 question marks to a value.
    for (const text of [...refused, `${'? '.repeat(400)}1`]) {
      assert.deepEqual(read(text), [{ number: 1, line: 1, fault: true }]);
    }
    assert.deepEqual(read('a: &x b\n*x : [*x]\n'), [{ number: 1, line: 1, value: { a: 'b', b: ['b'] } }]);
  });

  it('must not repeat a key in a map; the error has the line of the second one', () => {
    assert.deepEqual(read('a: 1\nb:\n  c: 1\n  d: {e: 1}\n  c: 2\n'), [{ number: 1, line: 5, fault: true }]);
    assert.deepEqual(read('{"a": 1, "a": 1}'), [{ number: 1, line: 1, fault: true }]);
    assert.deepEqual(read('a: {b: 1}\nb: {a: 1}\n"1": x\n'), [
      { number: 1, line: 1, value: { a: { b: 1 }, b: { a: 1 }, 1: 'x' } },
    ]);
  });

  it('may use anchors, but not multiply values with them', () => {
    assert.deepEqual(read('a: &x [1]\nb: *x\n'), [{ number: 1, line: 1, value: { a: [1], b: [1] } }]);
    const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 9; level += 1) {
      bomb.push(
        `a${level}: &a${level} [${Array(9)
          .fill(`*a${level - 1}`)
          .join(', ')}]`,
      );
    }
    assert.deepEqual(read(bomb.join('\n')), [{ number: 1, line: 1, fault: true }]);
  });

  it('may have keys such as __proto__', () => {
    const [document] = parseDocuments('__proto__:\n  polluted: true\nconstructor: 1\n');
    const value = document !== undefined && 'value' in document.content ? document.content.value : undefined;
    assert.deepEqual(Object.keys(value as object), ['__proto__', 'constructor']);
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  });
});

describe('a broken document', () => {
  const table: readonly [title: string, text: string, faults: readonly number[], good: number][] = [
    ['an open list', 'x: 1\n---\na: [1\n---\nb: 2\n', [4], 2],
    ['an indentation', 'a: 1\n b: 2\n---\nc: 3\n', [1], 1],
    ['a tab', 'a:\n\t- b\n---\nc: 3\n', [2], 1],
    ['a duplicate key', 'a: 1\nb: 2\na: 3\n---\nc: 3\n', [3], 1],
    ['an unknown anchor', 'x: 1\n---\n\na: *nope\n', [4], 1],
    ['an open quote, which includes the following documents', 'x: 1\n---\na: "b\n---\nc: 3\n', [6], 1],
    ['nesting without end', `${'['.repeat(20_000)}${']'.repeat(20_000)}\n---\nc: 3\n`, [1], 1],
  ];
  for (const [title, text, lines, good] of table) {
    it(`with ${title} is reported with its line, and the others are read`, () => {
      const documents = parseDocuments(text);
      assert.deepEqual(
        documents.filter(({ content }) => 'fault' in content).map(({ line }) => line),
        lines,
      );
      assert.equal(documents.filter(({ content }) => 'value' in content).length, good);
      for (const { content, line, lineOf } of documents) {
        if ('fault' in content) assert.ok(!content.fault.includes('\n') && lineOf(['a']) === line);
      }
    });
  }
});

describe('the line of a place', () => {
  const [document] = parseDocuments(`# first
kind: Policy
spec:
  parentSelector:
    - parentIface: eth0
      mode:
        bridge
    -
      nicSelector: { names: [a,
        b] }
  nodeSelector: &selector
    matchLabels:
      example.com/zone: a
      5: b
      "true": c
  namespaceSelector: *selector
`);

  for (const [path, line] of [
    [[], 2],
    [['kind'], 2],
    [['spec'], 3],
    [['spec', 'parentSelector'], 4],
    [['spec', 'parentSelector', 0], 5],
    [['spec', 'parentSelector', 0, 'mode'], 6],
    [['spec', 'parentSelector', '0', 'mode'], 6],
    [['spec', 'parentSelector', 1, 'nicSelector', 'names'], 9],
    [['spec', 'parentSelector', 1, 'nicSelector', 'names', 1], 10],
    [['spec', 'nodeSelector', 'matchLabels', 'example.com/zone'], 13],
    [['spec', 'nodeSelector', 'matchLabels', '5'], 14],
    [['spec', 'nodeSelector', 'matchLabels', 5], 14],
    [['spec', 'nodeSelector', 'matchLabels', 'true'], 15],
    [['spec', 'namespaceSelector', 'matchLabels', '5'], 14],
    [['spec', 'priority'], 3],
    [['spec', 'parentSelector', 0, 'mode', 'deeper'], 6],
    [['spec', 'parentSelector', 9], 4],
    [['status', 'x'], 2],
  ] as const) {
    it(`${path.join('.') || '(the document)'} is ${line}`, () => assert.equal(document?.lineOf(path), line));
  }
});

describe('a text inside a document', () => {
  const [document] = parseDocuments('a: &x |-\n  b\n   c\nd: ["e\\n\n  f", 1]\ng: *x\nh: {}\n');
  const reported = (...path: readonly (string | number)[]) => {
    const text = document?.textAt(path);
    return text && [text.style, text.source, text.lineAt(text.source.length - 1)];
  };

  it('is returned as written, with its lines', () => {
    assert.deepEqual(reported('a'), ['block', '|-\n  b\n   c\n', 3]);
    assert.deepEqual(reported('d', 0), ['double', '"e\\n\n  f"', 5]);
  });

  it('is the text of the anchor for an alias', () => assert.deepEqual(reported('g'), reported('a')));

  it('is absent if the path has another value or none', () => {
    for (const path of [['d', 1], ['h'], ['h', 'i'], ['a', 'b'], ['z'], []]) assert.equal(reported(...path), undefined);
  });
});
