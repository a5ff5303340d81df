// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choiceFlag, durationFlag, listFlag, pathsFlag, switchFlag, textFlag } from './flags.ts';
import { readFlags } from './read-flags.ts';

const line = {
  command: 'thing',
  summary: 'Does a thing.',
  positionals: ['directory'],
  flags: {
    'node-name': textFlag('NAME', 'which node', 'n1'),
    only: textFlag('NAME', 'only this'),
    kinds: listFlag('KINDS', 'which kinds', 'device,bond'),
    level: choiceFlag(['info', 'debug'], 'how much', 'info'),
    settle: durationFlag('how long', '300ms'),
    once: switchFlag('then end'),
    token: { ...textFlag('TEXT', 'needed'), required: true as const },
  },
} as const;

function read(argv: readonly string[], environment: Record<string, string> = {}) {
  return readFlags(line, argv, environment);
}

test('defaults fill missing flags, and a flag without a default stays undefined', () => {
  assert.deepEqual(read(['d', '--token', 't']), {
    positionals: ['d'],
    values: { 'node-name': 'n1', kinds: ['device', 'bond'], level: 'info', settle: 300, once: false, token: 't' },
  });
});

const readings = [
  { argv: ['--node-name', 'h1'], name: 'node-name', value: 'h1' },
  { argv: ['--node-name=h1'], name: 'node-name', value: 'h1' },
  { argv: ['-node-name', 'h1'], name: 'node-name', value: 'h1' },
  { argv: ['--node-name='], name: 'node-name', value: '' },
  { argv: ['--kinds', ' a, b ,,'], name: 'kinds', value: ['a', 'b'] },
  { argv: ['--kinds', ''], name: 'kinds', value: [] },
  { argv: ['--settle', '2s'], name: 'settle', value: 2000 },
  { argv: ['--settle', '1m'], name: 'settle', value: 60_000 },
  { argv: ['--settle', '2h'], name: 'settle', value: 7_200_000 },
  { argv: ['--settle', '365d'], name: 'settle', value: 31_536_000_000 },
  { argv: ['--settle', '5'], name: 'settle', value: 5 },
  { argv: ['--once'], name: 'once', value: true },
  { argv: ['--once=false'], name: 'once', value: false },
  { argv: ['--node-name', 'a', '--node-name', 'b'], name: 'node-name', value: 'b' },
] as const;

for (const { argv, name, value } of readings) {
  test(`${argv.join(' ')} is read as ${JSON.stringify(value)}`, () => {
    const parsed = read(['d', '--token', 't', ...argv]);
    assert.ok('values' in parsed);
    assert.deepEqual(parsed.values[name], value);
  });
}

test('an environment variable sets its flag, and the flag takes precedence', () => {
  const environment = { KUBE_MACVTAP_NODE_NAME: 'fromEnv', KUBE_MACVTAP_TOKEN: 'e', HOME: '/root' };
  const parsed = read(['d'], environment);
  assert.ok('values' in parsed);
  assert.equal(parsed.values['node-name'], 'fromEnv');
  const overruled = read(['d', '--node-name', 'flag'], environment);
  assert.ok('values' in overruled);
  assert.equal(overruled.values['node-name'], 'flag');
});

test('one error lists all invalid flags and refers to the help', () => {
  assert.throws(
    () => read(['d', 'e', '--nope', '--level', 'loud', '--settle', 'soon', '--kinds'], { KUBE_MACVTAP_TYPO: '1' }),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, 'InvalidFlags');
      for (const part of [
        '--nope',
        '--level loud',
        '--settle soon',
        '--kinds: needs',
        'KUBE_MACVTAP_TYPO',
        'e: unexp',
        '--token: missing',
        '--help',
      ]) {
        assert.ok(error.message.includes(part), `${part} in ${error.message}`);
      }
      return true;
    },
  );
});

test('a missing positional argument is an error', () => {
  assert.throws(() => read(['--token', 't']), /<directory>: missing/);
});

test('a property that every object inherits is not a flag', () => {
  assert.throws(() => read(['d', '--token', 't', '--constructor', 'x']), /--constructor: no such flag/);
});

test('the help names every flag with its default', () => {
  const parsed = read(['--help']);
  assert.ok('help' in parsed);
  for (const name of Object.keys(line.flags)) assert.ok(parsed.help.includes(`--${name}`));
  assert.match(parsed.help, /default device,bond/);
});

test('the help stays within 100 columns', () => {
  const long = { ...line, flags: { 'node-name': textFlag('NAME', `${'word '.repeat(40)}end`) } };
  const parsed = readFlags(long, ['--help'], {});
  const lines = 'help' in parsed ? parsed.help.split('\n') : [];
  assert.ok(
    lines.every(({ length }) => length <= 100) && lines.some((text) => /^ {20}word.*end$/.test(text)),
    lines.join('\n'),
  );
});

test('variables that kubelet sets for a Service named kube-macvtap-webhook are not read as flags', () => {
  const links = ['SERVICE_HOST', 'SERVICE_PORT', 'SERVICE_PORT_HTTPS', 'PORT', 'PORT_443_TCP', 'PORT_443_TCP_ADDR'];
  for (const link of links) {
    assert.ok('values' in read(['d', '--token', 't'], { [`KUBE_MACVTAP_WEBHOOK_${link}`]: 'x' }), link);
  }
});

test('a last positional with dots accepts one or more arguments, and a single dash is a positional', () => {
  const open = { ...line, positionals: ['file...'], flags: {} };
  assert.deepEqual(readFlags(open, ['a', '-', 'b'], {}), { positionals: ['a', '-', 'b'], values: {} });
  assert.throws(() => readFlags(open, [], {}), /<file\.\.\.>: missing/);
});

test('an error shows a one-letter flag as the user wrote it', () => {
  const short = { ...line, positionals: [], flags: { o: choiceFlag(['json'], 'how', 'json') } };
  assert.throws(() => readFlags(short, ['-o', 'xml'], {}), /^MacvtapError: -o xml: write one of json/m);
});

test('a choice without a default is undefined if the flag is missing', () => {
  const open = { ...line, positionals: [], flags: { answer: choiceFlag(['yes', 'no'], 'which') } };
  assert.deepEqual(readFlags(open, [], {}), { positionals: [], values: {} });
  assert.deepEqual(readFlags(open, ['--answer=no'], {}), { positionals: [], values: { answer: 'no' } });
  assert.throws(() => readFlags(open, ['--answer=maybe'], {}), /write one of yes, no/);
});

const kubectlLike = {
  ...line,
  positionals: ['thing?'],
  flags: {
    output: { ...choiceFlag(['table', 'json'], 'how', 'table'), short: 'o' },
    namespace: { ...textFlag('NAME', 'where'), short: 'n' },
    watch: { ...switchFlag('goes on'), short: 'w' },
    filename: { ...pathsFlag('FILE', 'what to read'), short: 'f' },
  },
} as const;

const shortForms = [
  { argv: ['-n', 'vms'], name: 'namespace', value: 'vms' },
  { argv: ['-n=vms'], name: 'namespace', value: 'vms' },
  { argv: ['-nvms'], name: 'namespace', value: 'vms' },
  { argv: ['-ojson'], name: 'output', value: 'json' },
  { argv: ['--output', 'json'], name: 'output', value: 'json' },
  { argv: ['-w'], name: 'watch', value: true },
  { argv: ['-f', 'a', '--filename', 'b,c', '-f-'], name: 'filename', value: ['a', 'b,c', '-'] },
  { argv: [], name: 'filename', value: [] },
] as const;

for (const { argv, name, value } of shortForms) {
  test(`${argv.join(' ')} is read by its letter as ${JSON.stringify(value)}`, () => {
    const parsed = readFlags(kubectlLike, argv, {});
    assert.ok('values' in parsed);
    assert.deepEqual(parsed.values[name], value);
  });
}

test('an unknown letter is an error, also in a combination, and the help shows letters', () => {
  assert.throws(() => readFlags(kubectlLike, ['-x'], {}), /-x: no such flag/);
  assert.throws(() => readFlags(kubectlLike, ['-wx'], {}), /-wx: no such flag/);
  const parsed = readFlags(kubectlLike, ['-h'], {});
  assert.match(
    'help' in parsed ? parsed.help : '',
    /^Usage: thing \[thing\] \[flags\]$.*^ {2}-o, --output table\|json/ms,
  );
});

test('an optional positional may be missing, and arguments after two dashes are not flags', () => {
  for (const argv of [[], ['a'], ['--', '-n'], ['--', '--help']]) {
    const parsed = readFlags(kubectlLike, argv, {});
    assert.deepEqual(
      'positionals' in parsed && parsed.positionals,
      argv.filter((argument) => argument !== '--'),
    );
  }
  assert.throws(() => readFlags(kubectlLike, ['a', 'b'], {}), /b: unexpected/);
});

test('a variable for a flag of another program is ignored, and an unknown variable is an error', () => {
  const sister = { ...line, positionals: [], flags: {}, elsewhere: ['node-name'] };
  assert.ok('values' in readFlags(sister, [], { KUBE_MACVTAP_NODE_NAME: 'h1' }));
  assert.throws(() => readFlags(sister, [], { KUBE_MACVTAP_NODE: 'h1' }), /KUBE_MACVTAP_NODE: no flag/);
});

test('the help shows examples before the flags', () => {
  const examples = [
    { purpose: 'Do it once', command: 'thing d --once' },
    { purpose: 'Do it on another node', command: 'thing d --node-name h2' },
  ];
  const parsed = readFlags({ ...line, examples }, ['--help'], {});
  assert.match(
    'help' in parsed ? parsed.help : '',
    /^Usage: .*\n\nExamples:\n {2}# Do it once\n {2}thing d --once\n\n {2}# Do it on another node\n {2}thing d --node-name h2\n\nFlags:\n {2}--node-name /m,
  );
});
