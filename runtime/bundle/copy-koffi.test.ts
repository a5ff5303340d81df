// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { copyKoffi } from './copy-koffi.ts';

test('a native part that was not installed is told with the command that installs it', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-koffi-'));
  const options = { modules: '/nowhere', folder: folder.path, architecture: 'arm64' } as const;
  await assert.rejects(
    copyKoffi(options),
    /^Error: \/nowhere lacks koffi\/.*npm ci --omit=dev --os=linux --cpu=arm64$/,
  );
});
