// SPDX-License-Identifier: Apache-2.0

/** The kind of a block that must match the chart's values schema. */
export const chartValues = 'values of the chart';

/** Blocks of yaml and json that are not complete objects, with their kind, by page and first line. */
export const partialManifests: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'docs/how-to/install.md': { 'networkPolicy:': chartValues },
  'docs/how-to/k3s.md': { 'node:': chartValues },
  'docs/how-to/openshift.md': { 'openshift:': chartValues },
  'docs/how-to/use-dra.md': { 'node:': chartValues },
  'docs/tutorial/quick-start.md': { 'image:': chartValues },
  'docs/reference/lint.md': {
    '- run: node kube-macvtap/cli/launch.js lint -o github deploy/': "a step of a reader's workflow",
  },
};
