// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { corpusFile, decodeLine, encodeLine, readCorpus } from './corpus.ts';
import { errorOf } from './fuzz-target.ts';
import { deepened } from './grow-json.ts';
import { jsonOf } from './target.ts';
import { loadTargets } from './targets.ts';

const targets = (await loadTargets()).map(({ target }) => target);

describe('every input of the corpus', () => {
  for (const target of targets) {
    it(`keeps the invariant of ${target.name}: ${target.invariant}`, async () => {
      for (const input of [...target.seeds.map((seed) => Buffer.from(seed)), ...readCorpus(target.name)]) {
        assert.equal(await errorOf(target, input), undefined, encodeLine(input));
      }
    });
  }
});

describe('a value that is 20,000 levels deep, anywhere in valid JSON', () => {
  for (const target of targets.filter(({ shape }) => shape === 'json')) {
    it(`does not overflow the stack in ${target.name}`, async () => {
      for (const value of target.seeds.map((seed) => jsonOf(Buffer.from(seed)))) {
        for (const text of deepened(value, 20_000)) {
          assert.equal(await errorOf(target, Buffer.from(text)), undefined, text.replaceAll(/([[{\]}])\1{9,}/g, '$1…'));
        }
      }
    });
  }
});

describe('the corpus', () => {
  it('has only files of existing targets', () => {
    const files = readdirSync(new URL('.', corpusFile('x'))).map((name) => name.replace(/\.txt$/, ''));
    const names = new Set(targets.map(({ name }) => name));
    assert.deepEqual(
      files.filter((name) => !names.has(name)),
      [],
    );
  });

  it('reads every written line as the same bytes', () => {
    for (const bytes of [
      Buffer.from('{"ä":"\n"}'),
      Uint8Array.of(0, 255, 10),
      new Uint8Array(),
      Buffer.from('\uFEFF#'),
    ]) {
      assert.deepEqual(Buffer.from(decodeLine(encodeLine(bytes))), Buffer.from(bytes));
    }
  });
});
