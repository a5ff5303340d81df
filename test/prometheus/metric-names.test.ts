// SPDX-License-Identifier: Apache-2.0
// Tests that alerts and the dashboard use only existing metrics, and that the dashboard shows every metric.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { docTables } from '../house/doc-tables.ts';
import { readAlertRules } from './alert-rules.ts';
import { readPanels, readQueries } from './dashboard.ts';

const metrics = new Set(
  docTables.filter(({ title }) => title.startsWith('metric of')).flatMap(({ rows }) => Object.keys(rows)),
);

/** Returns the metrics of an expression. For a histogram, that is its name without the suffix. */
function metricsIn(expr: string): readonly string[] {
  const names = [...expr.matchAll(/\b(?:kube_macvtap|process|nodejs)_\w+/g)].map(([name]) => name);
  return names.map((name) => (metrics.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')));
}

const rules = readAlertRules();
const queries = readQueries();
const asked = new Set([...rules, ...queries].flatMap(({ expr }) => metricsIn(expr)));

test('alerts and panels use only existing metrics', () => {
  for (const { expr } of [...rules, ...queries]) {
    assert.deepEqual(
      metricsIn(expr).filter((name) => !metrics.has(name)),
      [],
      expr,
    );
    assert.ok(metricsIn(expr).length > 0 || expr.includes('up{job='), expr);
  }
});

test('every metric is shown in the dashboard', () => {
  const shown = new Set(queries.flatMap(({ expr }) => metricsIn(expr)));
  assert.deepEqual(
    [...metrics].filter((name) => !shown.has(name)),
    [],
  );
  assert.ok(asked.size > 0);
});

test('every panel has a description, and all titles differ', () => {
  const panels = readPanels().filter(({ type }) => type !== 'row');
  for (const { title, description = '' } of panels) assert.match(description, /^\S.*\.$|^0 is good/, title);
  const titles = panels.map(({ title }) => title);
  assert.deepEqual(titles, [...new Set(titles)]);
});
