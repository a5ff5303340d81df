// SPDX-License-Identifier: Apache-2.0

import { switchFlag } from '../../runtime/flag-types.ts';
import { exitCode, runCommand } from '../../runtime/run-command.ts';
import { signalScope } from '../../runtime/signals.ts';
import { followEdits } from './follow-edits.ts';
import { showPlanAlone, whyNoLinks } from './plan-alone.ts';
import { createProgress } from './progress.ts';
import { otherDemos } from './stage.ts';
import { tellStory } from './story.ts';

const line = {
  command: 'npm start --',
  summary: 'Shows three hosts on real links, without a cluster: namespaces, node plugins, macvtaps.',
  positionals: [],
  flags: { once: switchFlag('end after the story instead of following edits of the policy file') },
} as const;

await runCommand(line, async ({ once }) => {
  using scope = signalScope();
  const reason = await whyNoLinks();
  if (reason !== undefined) {
    await showPlanAlone(reason, console.log);
    return exitCode.done;
  }
  await using undo = new AsyncDisposableStack();
  undo.defer(() => console.log('✓ everything that was made is cleaned up'));
  try {
    const scene = await tellStory(createProgress(console.log, scope.signal, otherDemos), undo);
    if (!once) await followEdits(scene, console.log, scope.signal);
  } catch (thrown) {
    if (!scope.signal.aborted) throw thrown;
  }
  return scope.signal.aborted && once ? exitCode.failed : exitCode.done;
});
