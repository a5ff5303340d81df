// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addKeys } from './edit-config.ts';
import { type Config, readConfig } from './read-config.ts';

const mode = { object: '', key: 'mode', value: 'bridge' };

describe('a key that is added', () => {
  for (const [spacing, before, after] of [
    ['without spaces', '{"type":"macvtap"}', '{"type":"macvtap","mode":"bridge"}'],
    ['on one line', '{"mtu": 9000, "type": "macvtap"}', '{"mtu": 9000, "type": "macvtap", "mode": "bridge"}'],
    ['on one line, one key', '{"type": "macvtap"}', '{"type": "macvtap", "mode": "bridge"}'],
    ['with spaces inside braces', '{ "type": "macvtap" }', '{ "type": "macvtap", "mode": "bridge" }'],
    ['indented', '{\n  "type": "macvtap"\n}\n', '{\n  "type": "macvtap",\n  "mode": "bridge"\n}\n'],
    ['with tabs and CR LF', '{\r\n\t"type" : "macvtap"\r\n}', '{\r\n\t"type" : "macvtap",\r\n\t"mode" : "bridge"\r\n}'],
    [
      'as the seed has it',
      '{\n      "cniVersion": "0.3.1",\n      "type": "macvtap",\n      "mtu": 9000\n    }',
      '{\n      "cniVersion": "0.3.1",\n      "type": "macvtap",\n      "mtu": 9000,\n      "mode": "bridge"\n    }',
    ],
    ['with commas in front', '{ "a":1\n, "type":"macvtap"\n}', '{ "a":1\n, "type":"macvtap", "mode":"bridge"\n}'],
    ['behind a value of several lines', '{"a":\n[\n1\n]}', '{"a":\n[\n1\n], "mode": "bridge"}'],
    ['behind a very wide gap', `{${' '.repeat(300)}"a":1}`, `{${' '.repeat(300)}"a":1, "mode":"bridge"}`],
  ] as const) {
    it(`follows a text ${spacing}`, () => assert.equal(addKeys(read(before), [mode]), after));
  }

  it('goes to its own object, in the order in which it was given', () => {
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

  it('goes to many objects at once, each in its place', () => {
    const plugin = '{"type":"macvtap"}';
    const list = (item: string) => `{"plugins":[${Array.from({ length: 20_000 }, () => item).join()}]}`;
    const keys = Array.from({ length: 20_000 }, (_, index) => ({ ...mode, object: `plugins[${index}]` }));
    assert.ok(addKeys(read(list(plugin)), keys) === list('{"type":"macvtap","mode":"bridge"}'));
  });

  it('goes to the list that counts where there are two', () => {
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
