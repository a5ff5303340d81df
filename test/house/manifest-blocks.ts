// SPDX-License-Identifier: Apache-2.0

/** What is held to the chart's schema of values. */
export const chartValues = 'values of the chart';

/** Blocks of yaml and json in pages that are no whole objects: by page and first line, what they are instead. */
export const partialManifests: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'docs/quick-start.md': { 'image:': chartValues },
  'docs/lint.md': { '- run: npx kubectl-macvtap lint -o github deploy/': "a step of somebody else's workflow" },
};
