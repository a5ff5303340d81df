// SPDX-License-Identifier: Apache-2.0
import { lookOf } from '../../cli/output/look.ts';
import { switchFlag } from '../../runtime/flags.ts';
import { exitCode, runCommand, signalScope } from '../../runtime/run-command.ts';
import { followEdits } from './follow-edits.ts';
import { showPlanOnly, whyNoLinks } from './plan-only.ts';
import { createProgress } from './progress.ts';
import { forScreen } from './screen.ts';
import { otherDemos } from './stage.ts';
import { runStory } from './story.ts';

const line = {
  command: 'npm start --',
  summary: 'Shows three hosts on real links, without a cluster: namespaces, node plugins, macvtaps.',
  positionals: [],
  flags: { once: switchFlag('end after the story instead of following edits of the policy file') },
} as const;

const look = lookOf(process.stdout);
const print = (text: string) => console.log(forScreen(text, look));

await runCommand(line, async ({ once }) => {
  using scope = signalScope();
  const reason = await whyNoLinks();
  if (reason !== undefined) {
    await showPlanOnly(reason, print);
    return exitCode.done;
  }
  await using undo = new AsyncDisposableStack();
  undo.defer(() => print('✓ everything that the demo created is removed'));
  try {
    const scene = await runStory(createProgress(print, scope.signal, otherDemos), undo);
    if (!once) await followEdits(scene, print, scope.signal);
  } catch (thrown) {
    if (!scope.signal.aborted) throw thrown;
  }
  return scope.signal.aborted && once ? exitCode.failed : exitCode.done;
});
