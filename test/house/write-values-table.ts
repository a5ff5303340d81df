// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { findTable } from './doc-tables.ts';
import { root } from './source-files.ts';
import { renderValuesTable } from './values-table.ts';

// Part of `npm run generate`: rewrites the table of values in the chart's README.
const page = 'charts/kube-macvtap/README.md';
const text = readFileSync(`${root}${page}`, 'utf8');
const table = renderValuesTable(readFileSync(`${root}charts/kube-macvtap/values.yaml`, 'utf8'));
writeFileSync(
  `${root}${page}`,
  text.replace(findTable(text, { page, title: 'value' }), () => table),
);
