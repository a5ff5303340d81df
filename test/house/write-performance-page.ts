// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { findTable } from './doc-tables.ts';
import { performancePage as page, readSavedRun, renderFigureTable, renderMachineTable } from './performance-page.ts';
import { root } from './source-files.ts';

// Part of `npm run generate`: rewrites the tables of figures from the saved run.
const run = readSavedRun();
const text = readFileSync(`${root}${page}`, 'utf8');
writeFileSync(
  `${root}${page}`,
  text
    .replace(findTable(text, { page, title: 'machine' }), () => renderMachineTable(run))
    .replace(findTable(text, { page, title: 'figure' }), () => renderFigureTable(run)),
);
