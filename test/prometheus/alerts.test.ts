// SPDX-License-Identifier: Apache-2.0
// Tests the chart's alerts with promtool. Each must fire in its case, and stay silent in a case that is almost the
// same.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { parse, stringify } from 'yaml';
import { overdueShare } from '../../webhook/tls/follow-certificate.ts';
import { type AlertCase, alertCases } from './alert-cases.ts';
import { type AlertRule, alertsFile, readAlertRules } from './alert-rules.ts';
import { needsPrometheus } from './needs-prometheus.ts';

const run = promisify(execFile);
const rules = readAlertRules();

it('every alert has a case in which it fires and one in which it is silent, and no case is without its alert', () => {
  assert.deepEqual(Object.keys(alertCases), [...rules.map(({ alert }) => alert)]);
});

it('for Prometheus, a certificate counts as not renewed at the same time as for the webhook itself', () => {
  const { expr } = rules.find(({ alert }) => alert === 'KubeMacvtapCertificateNotRenewed') ?? assert.fail('no alert');
  assert.equal(Number(expr.slice(expr.lastIndexOf('<') + 1)), overdueShare);
});

it('every alert has a severity, a summary that names the place, and a link', () => {
  for (const { alert, labels, annotations } of rules) {
    assert.ok(['critical', 'warning', 'info'].includes(labels.severity), alert);
    assert.match(annotations.summary, /^[A-Z].*\.$/, alert);
    assert.match(annotations.description, /^.*\.$/, alert);
    assert.equal(annotations.runbook_url, `docs/how-to/monitor.md#${alert.toLowerCase()}`);
  }
});

it('docs/how-to/monitor.md has a section for each alert, in the same order, and for no other', () => {
  const page = readFileSync(new URL('../../docs/how-to/monitor.md', import.meta.url), 'utf8');
  const sections = [...page.matchAll(/^### (.*)$/gm)].map(([, title]) => title);
  assert.deepEqual(
    sections,
    rules.map(({ alert }) => alert),
  );
});

/** Returns the texts of an alert with its labels filled in. */
function annotationsOf({ annotations }: AlertRule, labels: AlertCase['labels']) {
  const fill = (text: string) => text.replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, name: string) => labels[name] ?? '');
  return { ...annotations, description: fill(annotations.description) };
}

function testOf(rule: AlertRule, { at, ...given }: AlertCase, how: 'fires' | 'silent') {
  const { severity } = rule.labels;
  const alert = { exp_labels: { ...given.labels, severity }, exp_annotations: annotationsOf(rule, given.labels) };
  return {
    name: `${rule.alert}: ${how}`,
    interval: '1m',
    input_series: Object.entries(given[how]).map(([series, values]) => ({ series, values })),
    alert_rule_test: [
      {
        eval_time: `${at}m`,
        alertname: rule.alert,
        exp_alerts: how === 'fires' ? [alert] : [],
      },
    ],
  };
}

interface ScrapeConfig {
  readonly job_name: string;
  readonly kubernetes_sd_configs: readonly object[];
}

describe('under promtool', { skip: needsPrometheus }, () => {
  it('promtool accepts the rules in the file that a Prometheus loads', async () => {
    const { stdout } = await run('promtool', ['check', 'rules', alertsFile]);
    assert.match(stdout, new RegExp(`SUCCESS: ${rules.length} rules found`));
  });

  it('the configuration for a Prometheus without the operator is valid, and has the jobs that alerts use', async () => {
    const text = readFileSync(alertsFile.replace('alerts.yaml', 'prometheus.yaml'), 'utf8');
    const { rule_files, scrape_configs } = parse(text) as { rule_files: string[]; scrape_configs: ScrapeConfig[] };
    assert.deepEqual(rule_files, ['alerts.yaml']);
    // Debian builds Prometheus without Kubernetes service discovery, so the test removes its settings.
    const others = scrape_configs.map(({ kubernetes_sd_configs, ...rest }) => ({ ...rest, static_configs: [] }));
    await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-alerts-'));
    const file = join(folder.path, 'prometheus.yaml');
    await writeFile(file, stringify({ rule_files: [alertsFile], scrape_configs: others }));
    assert.match((await run('promtool', ['check', 'config', file])).stdout, /prometheus\.yaml is valid/);
    const jobs = scrape_configs.map(({ job_name }) => job_name);
    assert.deepEqual(jobs, ['kube-macvtap-webhook', 'kube-macvtap-nodeplugin']);
  });

  for (const how of ['fires', 'silent'] as const) {
    it(`each alert ${how === 'fires' ? 'fires' : 'stays silent'}`, async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-alerts-'));
      const tests = rules.map((rule) => {
        const given = alertCases[rule.alert];
        return testOf(rule, given ?? assert.fail(`${rule.alert} has no case`), how);
      });
      const file = join(folder.path, 'tests.yaml');
      await writeFile(file, stringify({ rule_files: [alertsFile], evaluation_interval: '1m', tests }));
      // Prints all failures. Each names its alert.
      const { stdout } = await run('promtool', ['test', 'rules', file]).catch((thrown) => {
        throw new Error(`${thrown.stdout}${thrown.stderr}`);
      });
      assert.match(stdout, /SUCCESS/);
    });
  }
});
