// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commands } from './commands.ts';

for (const [name, { summary, line }] of Object.entries(commands)) {
  test(`the help of ${name} has a summary that starts with a verb, and two examples of the command`, async () => {
    const { command, examples = [], summary: long } = await line();
    assert.match(summary, /^[A-Z][a-z]+ /);
    assert.match(long, /^[A-Z][a-z]+s /);
    assert.equal(examples.length, 2);
    for (const example of examples) assert.ok(example.command.includes(command), example.command);
  });
}
