// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { reasons } from '../../policy/reasons.ts';
import { messagesOfOthers } from './messages-of-others.ts';
import { root, sourceFiles } from './source-files.ts';

const page = readFileSync(`${root}docs/how-to/troubleshoot.md`, 'utf8');
const messages = [...page.matchAll(/^\| `([^`]+)` +\| .*\|$/gm)].map(([, message = '']) => message);
const ownMessages = messages.filter((message) => messagesOfOthers[message] === undefined);

/** The source text of the programs. Strings that are split over several lines are joined. */
const sources = sourceFiles('.ts', '.c')
  .filter(({ path }) => !path.startsWith('test/') && !path.endsWith('.test.ts'))
  .map(({ path, text }) => ({ path, text: text.replaceAll(/['`]\s*\+\n\s*(\([^\n]*\n)?\s*['`]/g, '') }));

test('every quoted message of this project occurs in a program', () => {
  assert.ok(ownMessages.length > 20, String(ownMessages.length));
  assert.deepEqual(
    ownMessages.filter((message) => !isPrinted(message)),
    [],
  );
});

test('every listed message of another program is quoted', () => {
  assert.deepEqual(
    Object.keys(messagesOfOthers).filter((message) => !messages.includes(message)),
    [],
  );
});

test('a message that no program prints is detected', () => {
  assert.ok(!isPrinted('device …: parent … cannot be bent'));
  assert.ok(!isPrinted('ResourceUnknown …: no policy and no node has this resource'));
});

/**
 * Returns whether one file contains all fixed parts of a message. If the message begins with a code of the policy
 * engine, compares its text with the text of that code instead.
 */
function isPrinted(message: string): boolean {
  const [, code = '', reason = ''] = /^([A-Z]\w+) …: (.*)$/.exec(message) ?? [];
  if (Object.hasOwn(reasons, code)) {
    const text: string = reasons[code as keyof typeof reasons];
    return reason === text || (reason.startsWith(`${text} (`) && reason.endsWith(')'));
  }
  const parts = message
    .split(/…|[:;] |macvtap\.network\.kubevirt\.io\//)
    .map((part) => part.trim())
    .filter((part) => part.length > 4);
  return parts.length > 0 && sources.some(({ text }) => parts.every((part) => text.includes(part)));
}
