// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { binaryPath } from '../binaries/binary-path.ts';
import { makeCommandFolder } from '../process/command-folder.ts';

const { shell, remove } = await makeCommandFolder();
after(remove);

test('kubectl completes macvtap arguments with the output of kubectl_complete-macvtap', () => {
  const kubectl = binaryPath('kubectl');
  assert.match(shell([kubectl, '__complete', 'macvtap', 'st']), /^status\tShow the resources of every node.*\n:4$/m);
  assert.match(shell([kubectl, '__complete', 'macvtap', 'status', '--output=j']), /^--output=json$/m);
  const source = '--source=manifests:files';
  assert.match(shell([kubectl, '__complete', 'macvtap', 'why', source, 'po']), /^pod\/\tPod\n[\s\S]*:6$/m);
  assert.match(shell([kubectl, '__complete', 'macvtap', 'why', source, 'pod/']), /^pod\/vm\n:4$/m);
});
