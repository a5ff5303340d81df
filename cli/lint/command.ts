// SPDX-License-Identifier: Apache-2.0
import { count } from '../../policy/nodepolicy/warning.ts';
import { choiceFlag, type FlagValues, textFlag } from '../../runtime/flags.ts';
import { exitCode, runCommand } from '../../runtime/run-command.ts';
import { longYAMLBytes, printLine, printToStderr, startProgress } from '../output/print.ts';
import { installationFlags, sharedFlags } from '../shared-flags.ts';
import { lintFormats, renderFindings } from './findings.ts';
import { type LintReport, lintFiles } from './lint-files.ts';
import { type LintInput, readInputs } from './read-inputs.ts';

export const lintLine = {
  command: 'kubectl macvtap lint',
  summary:
    'Checks networks, policies, pods and workloads with the rules of the webhook, as if the files were the whole cluster.\n' +
    'Reads files, directories with their subdirectories, and - for standard input.\n' +
    'Exit code 0: no errors; 1: the webhook would reject an object, or a file cannot be read.',
  positionals: ['file...'],
  flags: {
    output: { ...choiceFlag(lintFormats, 'output format', 'text'), short: 'o' },
    'unknown-resource': choiceFlag(
      ['Deny', 'Warn', 'Allow'],
      'verdict on a network whose resource the files do not offer (default: Deny, or Warn if the files offer no resource at all)',
    ),
    'multus-namespace': textFlag('NAME', "namespace where Multus looks for a pod's default network", 'kube-system'),
    ...installationFlags,
  },
  examples: [
    { purpose: 'Check all manifests of a directory', command: 'kubectl macvtap lint deploy/' },
    { purpose: 'Check the output of a template', command: 'helm template . | kubectl macvtap lint -' },
  ],
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
      if (values.output === 'text') printToStderr(summaryOf(inputs.length, judged, errors, findings.length - errors));
      return errors === 0 ? exitCode.done : exitCode.failed;
    },
    argv,
  );
}

function judge(inputs: readonly LintInput[], values: FlagValues<typeof lintLine.flags>): LintReport {
  const length = inputs.reduce((sum, { content }) => sum + ('text' in content ? content.text.length : 0), 0);
  const what = `checking ${count(inputs.length, 'file')}`;
  using _judging = startProgress(process.stderr).begin(what, length > longYAMLBytes);
  return lintFiles(inputs, {
    policyNamespace: values['installation-namespace'],
    multusNamespace: values['multus-namespace'],
    unknownResource: values['unknown-resource'],
  });
}

/**
 * Summarizes the run. It gives the number of objects, so that a wrong path (0 objects) does not look like a success.
 */
function summaryOf(files: number, judged: number, errors: number, warnings: number): string {
  const read = `${count(files, 'file')}, ${count(judged, 'object')} checked`;
  return `${read}: ${count(errors, 'error')}, ${count(warnings, 'warning')}`;
}
