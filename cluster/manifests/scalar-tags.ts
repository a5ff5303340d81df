// SPDX-License-Identifier: Apache-2.0
import type { ScalarTag } from 'yaml';

const trueWords = ['y', 'yes', 'true', 'on'];
const falseWords = ['n', 'no', 'false', 'off'];

/** Matches `yes`, `Yes` and `YES`, but not `yEs`. */
const boolPattern = new RegExp(`^(?:${[...trueWords, ...falseWords].flatMap(spellings).join('|')})$`);

const sign = '[-+]?';
const intPattern = new RegExp(
  `^${sign}(?:0[xX]_*[0-9a-fA-F][0-9a-fA-F_]*|0[bB]_*[01][01_]*|0[oO]?[0-7_]+|[0-9][0-9_]*)$`,
);

/**
 * Reads booleans and integers like kubectl and Helm, which follow neither YAML 1.1 nor 1.2. `yes` and `on` are true,
 * `017` is 15, `1_000` is 1000, and 12:30 is text. A policy must mean the same in a file as in a cluster, and kubectl
 * turns the label `enabled: yes` into true before it sends the policy.
 *
 * Source: go.yaml.in/yaml/v2 2.4 resolve.go, resolveMapList and resolve, which sigs.k8s.io/yaml uses to convert YAML to
 * JSON.
 */
export const scalarTags: readonly ScalarTag[] = [
  {
    tag: 'tag:yaml.org,2002:bool',
    default: true,
    identify: (value) => typeof value === 'boolean',
    test: boolPattern,
    resolve: (text) => trueWords.includes(text.toLowerCase()),
  },
  {
    tag: 'tag:yaml.org,2002:int',
    default: true,
    identify: (value) => Number.isInteger(value),
    test: intPattern,
    resolve: parseInteger,
  },
];

function spellings(word: string): readonly string[] {
  return [word, word.charAt(0).toUpperCase() + word.slice(1), word.toUpperCase()];
}

/**
 * Parses an integer like Go's strconv.ParseInt(text, 0, 64), after removing underscores. 08 is not octal, so its value
 * is 8.
 */
function parseInteger(text: string): number {
  const plain = text.replaceAll('_', '').replace(/^[-+]/, '');
  const digits = /^0[0-7]+$/.test(plain) ? `0o${plain}` : plain;
  const value = Number(digits);
  return text.startsWith('-') ? 0 - value : value;
}
