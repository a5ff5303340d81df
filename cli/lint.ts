// SPDX-License-Identifier: Apache-2.0
import { choiceFlag, textFlag } from '../runtime/flag-types.ts';
import type { FlagValues } from '../runtime/flags.ts';
import { exitCode, runCommand } from '../runtime/run-command.ts';
import { type LintReport, lintFiles } from './lint/lint-files.ts';
import { type LintInput, readInputs } from './lint/read-inputs.ts';
import { lintFormats, renderFindings } from './lint/render-findings.ts';
import { printLine } from './output/print.ts';
import { longYAMLBytes, startProgress } from './output/progress.ts';
import { sharedFlags } from './shared-flags.ts';
import { installationFlags } from './view/view-flags.ts';

export const lintLine = {
  command: 'kubectl macvtap lint',
  summary:
    'Says what the webhook would say of networks, policies, pods and what makes pods, as if the files were the whole\n' +
    'cluster: files, directories with all below them, or - for standard input. Exit code 1 if something would be refused\n' +
    'or cannot be read.',
  positionals: ['file...'],
  flags: {
    output: { ...choiceFlag(lintFormats, 'how to print', 'text'), short: 'o' },
    'unknown-resource': choiceFlag(
      ['Deny', 'Warn', 'Allow'],
      'of a resource that the files do not offer; default Deny, but Warn if they offer none',
    ),
    'multus-namespace': textFlag('NAME', "where Multus looks for a pod's default network", 'kube-system'),
    ...installationFlags,
  },
  elsewhere: sharedFlags,
} as const;

export function runLint(argv: readonly string[]): Promise<void> {
  return runCommand(
    lintLine,
    async (values, paths) => {
      const inputs = await readInputs(paths, process.stdin);
      const { findings, judged } = judge(inputs, values);
      const text = renderFindings(findings, values.output);
      if (text !== '') await printLine(text);
      const errors = findings.filter(({ severity }) => severity === 'error').length;
      if (values.output === 'text') console.error(summaryOf(inputs.length, judged, errors, findings.length - errors));
      return errors === 0 ? exitCode.done : exitCode.failed;
    },
    argv,
  );
}

function judge(inputs: readonly LintInput[], values: FlagValues<typeof lintLine.flags>): LintReport {
  const length = inputs.reduce((sum, { content }) => sum + ('text' in content ? content.text.length : 0), 0);
  const what = `judging ${count(inputs.length, 'file')}`;
  using _judging = startProgress(process.stderr).begin(what, length > longYAMLBytes);
  return lintFiles(inputs, {
    policyNamespace: values['installation-namespace'],
    multusNamespace: values['multus-namespace'],
    unknownResource: values['unknown-resource'],
  });
}

/** Tells the objects too: none, where there should be some, is a wrong path rather than a success. */
function summaryOf(files: number, judged: number, errors: number, warnings: number): string {
  const read = `${count(files, 'file')}, ${count(judged, 'object')} judged`;
  return `${read}: ${count(errors, 'error')}, ${count(warnings, 'warning')}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
