// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explainFailure, requirePrograms, runTool } from './release.ts';

const options = { what: 'push node', print: () => {}, signal: new AbortController().signal };

describe('the error of a failed program', () => {
  for (const [output, code, text] of [
    ['dial tcp 127.0.0.1:1: connect: connection refused', 'RegistryFailed', /cannot be reached/],
    ['tls: failed to verify certificate: x509: certificate signed by unknown authority', 'RegistryFailed', /--ca-file/],
    ['response status code 401: Unauthorized', 'RegistryFailed', /oras login/],
    ['response status code 403: denied: requested access', 'RegistryFailed', /log in as another user/],
    [
      'npm error code ECONNRESET\nnpm error network aborted\nError: exit 1',
      'ReleaseToolFailed',
      /cannot be downloaded/,
    ],
    ['E: Failed to fetch http://x/y.deb  401  Unauthorized', 'ReleaseToolFailed', /cannot be downloaded/],
    ['write /x: no space left on device', 'ReleaseToolFailed', /the disk is full/],
    ['first\nError: unknown flag: --x\n', 'ReleaseToolFailed', /^cannot push node: Error: unknown flag: --x; fix this/],
  ] as const) {
    it(`has the known cause, or the last line of the output: ${JSON.stringify(output)}`, () => {
      const error = explainFailure('push node', output);
      assert.equal(error.code, code);
      assert.match(error.message, text);
      assert.ok(!error.message.includes('\n'));
    });
  }
});

describe('a program', () => {
  it('gets its input and variables, and its standard output is returned', async () => {
    const environment = { NAME: 'b' };
    const given = { ...options, input: 'a', environment };
    assert.equal(await runTool(given, 'sh', '-c', 'cat; printf "$NAME"; echo c >&2'), 'ab');
  });

  it('that is missing is named, with a command that installs it', async () => {
    const nowhere = { ...options, environment: { PATH: '/nonexistent' } };
    const message = /there is no syft in PATH: install it, for example with `go install github\.com\/anchore\/syft/;
    await assert.rejects(runTool(nowhere, 'syft'), { code: 'ReleaseToolFailed', message });
  });

  it('is reported while it runs, with its latest line', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const controller = new AbortController();
    const given = { ...options, print: resolve, signal: controller.signal };
    const running = runTool(given, 'sh', '-c', 'echo layer 1; echo layer 2; exec sleep 600');
    assert.match(await promise, /^ {2}push node \(\d+ s\): layer 2$/);
    controller.abort();
    await assert.rejects(running, { code: 'Aborted' });
  });

  it('that fails for an unknown reason shows the end of its output', async () => {
    const lines: string[] = [];
    const given = { ...options, print: (line: string) => void lines.push(line) };
    await assert.rejects(runTool(given, 'sh', '-c', 'echo npm error EUSAGE; echo step failed >&2; exit 1'), {
      code: 'ReleaseToolFailed',
      message: /^cannot push node: step failed; fix this/,
    });
    assert.deepEqual(lines, ['  npm error EUSAGE', '  step failed']);
  });

  it('ends when the release is interrupted', async () => {
    const controller = new AbortController();
    const running = runTool({ ...options, signal: controller.signal }, 'sleep', '600');
    controller.abort();
    await assert.rejects(running, { code: 'Aborted', message: /run the same command again/ });
  });
});

describe('the programs of a release', () => {
  it('are accepted if all are in PATH, and the first missing one is named', () => {
    requirePrograms(['sh', 'tar']);
    assert.throws(() => requirePrograms(['sh', 'no-such-program', 'syft-also']), {
      code: 'ReleaseToolFailed',
      message: 'there is no no-such-program in PATH: install it',
    });
  });
});
