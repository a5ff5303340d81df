// SPDX-License-Identifier: Apache-2.0
// Tests the real webhook process with a directory of manifests. Requests come over TLS, as from an API server.
import assert from 'node:assert/strict';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { editsOf } from '../fixtures/webhook/review-stage.ts';
import { servingPair } from '../fixtures/webhook/serving-pair.ts';
import { importsOf, sourceFiles } from '../house/source-files.ts';
import { readStart } from '../images/read-start.ts';
import { runProgram } from './run-program.ts';
import { until } from './until.ts';
import { reviewText, startWebhook } from './webhook-process.ts';

const namespace = `apiVersion: v1
kind: Namespace
metadata: {name: tenant}
`;

function policyOf(mode: string): string {
  return `apiVersion: macvtap.network.kubevirt.io/v1alpha1
kind: MacvtapNetworkNodePolicy
metadata: {name: p, namespace: macvtap-cni}
spec:
  parentSelector: [{parentIface: bond1, mode: ${mode}, resourceName: dataplane}]
`;
}

const files = { 'namespace.yaml': namespace, 'policy.yaml': policyOf('private') };
const nad = { metadata: { name: 'net' }, spec: { config: '{"type": "macvtap"}' } };
const unknown = {
  metadata: {
    name: 'net',
    annotations: { 'k8s.v1.cni.cncf.io/resourceName': 'macvtap.network.kubevirt.io/dataplain' },
  },
  spec: { config: '{"type": "macvtap", "cniVersion": "1.0.0", "name": "net"}' },
};
const ready = { status: 200, body: 'ok\n' };

test('reviews are answered over TLS, follow an edited policy, and end with the process', async () => {
  await using webhook = await startWebhook(files);
  await webhook.process.waitForLine(/"step":"create".*"serial":"[0-9A-F]+","notAfter":"20.*renewal step completed/);
  const config = async () => String(editsOf(await webhook.review('mutate', nad)).at(-1)?.value);
  assert.match(await config(), /"mode": "private", "modeFrom": "policy"/);
  const denied = await webhook.review('validate', unknown);
  assert.match(denied.status?.message ?? '', /^ResourceUnknown .*did you mean dataplane\?/);

  await webhook.manifests.write('policy.yaml', policyOf('vepa'));
  await until(config, (text) => text.includes('"mode": "vepa"'));

  assert.deepEqual(await webhook.health('/readyz'), ready);
  const { body } = await webhook.health('/metrics');
  assert.match(
    body,
    /^kube_macvtap_webhook_reviews_total\{kind="Network.*",verb="validate",operation="CREATE",outcome="denied"\} 1$/m,
  );
  assert.match(body, /^kube_macvtap_webhook_certificate_expiry_seconds \d{10,}$/m);
  webhook.process.signal('SIGTERM');
  assert.deepEqual(await webhook.process.exit, { code: 0, signal: null });
});

test('with the flags of its image, it returns the memory that only its start needed, and answers reviews', async () => {
  await using webhook = await startWebhook(files, [], undefined, readStart('webhook'));
  await webhook.listening();
  // RssFile of proc_pid_status(5): mapped pages of files. A Node.js without work has 33 MiB, and the webhook 53 MiB.
  const filePages = async () => {
    const status = await readFile(`/proc/${webhook.process.pid}/status`, 'utf8');
    return Number(/^RssFile:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
  };
  await until(filePages, (bytes) => bytes < 25 * 1024 * 1024);
  assert.equal((await webhook.review('mutate', nad)).allowed, true);
  // Node.js warns about node:ffi, which returns the memory, unless a flag disables the warning.
  assert.doesNotMatch(webhook.process.output, /Warning/);
});

test('a policy that was written just before its network is used, although its event has not arrived', async () => {
  await using webhook = await startWebhook({ 'namespace.yaml': namespace });
  await webhook.listening();
  await webhook.manifests.write('policy.yaml', policyOf('private'));
  const answer = await webhook.review('mutate', nad);
  assert.match(JSON.stringify(editsOf(answer)), /dataplane/);
});

test('broken and hostile requests are answered or cut off, and the next request is served', async () => {
  await using webhook = await startWebhook(files);
  const port = await webhook.listening();
  for (const bytes of ['GET / HTTP/1.1\r\n\r\n', '\u0000'.repeat(1_000), '']) {
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
    await new Promise((resolve) => socket.on('error', resolve).on('close', resolve).resume());
  }
  const path = '/validate/network-attachment-definitions';
  assert.equal((await webhook.post(path, '{')).status, 400);
  const huge = JSON.stringify({ config: 'x'.repeat(2_000_000) });
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  for (const config of [huge, deep, `{"type": "macvtap", "x": ${deep}}`, 'macvtap'.repeat(300_000)]) {
    const answer = await webhook.post(path, reviewText({ ...nad, spec: { config } }));
    assert.equal(answer.status, 200, answer.body);
    assert.equal(typeof JSON.parse(answer.body).response.allowed, 'boolean');
  }
  assert.equal((await webhook.post('/', '{}')).status, 404);
  assert.equal((await webhook.review('mutate', nad)).allowed, true);
  assert.doesNotMatch(webhook.process.output, /because of a bug/);
});

test('certificate files of another program are followed, and the last valid pair stays in use if they are broken', async () => {
  const [first, second, expired] = await Promise.all([servingPair(), servingPair(), servingPair([-3, -1])]);
  await using webhook = await startWebhook(files, ['--certificates', 'files']);
  const write = async (name: string, text: string) => {
    await writeFile(join(webhook.certificates, `.${name}`), text);
    await rename(join(webhook.certificates, `.${name}`), join(webhook.certificates, name));
  };
  const serial = async (ca: string) => (await webhook.post('/', '{}', ca)).serial;
  await webhook.listening();
  assert.deepEqual(await webhook.health('/readyz'), { status: 503, body: 'there is no serving certificate yet\n' });

  await write('tls.crt', first.certPem);
  await write('tls.key', first.keyPem);
  await until(
    () => webhook.health('/readyz'),
    ({ status }) => status === 200,
  );
  assert.equal(await serial(first.authority.pem), first.serial);

  const broken: readonly [certPem: string, keyPem: string, reason: RegExp][] = [
    [second.certPem.slice(0, 200), first.keyPem, /contains no certificate|cannot be read/],
    [second.certPem, first.keyPem, /cannot be used/],
    [expired.certPem, expired.keyPem, /expired/],
  ];
  for (const [certPem, keyPem, reason] of broken) {
    await write('tls.key', keyPem);
    await write('tls.crt', certPem);
    await webhook.process.waitForLine(new RegExp(`(${reason.source}).*the certificate needs attention`));
    assert.equal(await serial(first.authority.pem), first.serial);
    assert.deepEqual(await webhook.health('/readyz'), ready);
  }
  await write('tls.key', second.keyPem);
  await write('tls.crt', second.certPem);
  await webhook.process.waitForLine(new RegExp(`"serial":"${second.serial}".*a new certificate is served`));
  assert.equal(await serial(second.authority.pem), second.serial);
});

test('until the objects were read it is not ready, and denies nothing because of missing objects', async () => {
  await using webhook = await startWebhook(files, ['--source', 'manifests:/nowhere/at/all']);
  await webhook.listening();
  const { status, body } = await webhook.health('/readyz');
  assert.deepEqual([status, body], [503, 'the objects of the cluster have not been read yet\n']);
  assert.deepEqual(await webhook.health('/healthz'), ready);
  const answer = await webhook.review('validate', unknown);
  assert.deepEqual([answer.status?.code, answer.status?.details?.retryAfterSeconds], [503, 1]);
});

test('while it drains, it is not ready but answers, and closes connections; a second signal ends it at once', async () => {
  await using webhook = await startWebhook(files, ['--drain', '60m']);
  await until(
    () => webhook.health('/readyz'),
    ({ status }) => status === 200,
  );
  await webhook.listening();
  webhook.process.signal('SIGTERM');
  await webhook.process.waitForLine(/"ending;/);
  assert.deepEqual(await webhook.health('/readyz'), { status: 503, body: 'ending: no new requests should be sent\n' });
  const { status, connection } = await webhook.post('/mutate/network-attachment-definitions', reviewText(nad));
  assert.deepEqual([status, connection], [200, 'close']);
  webhook.process.signal('SIGTERM');
  assert.deepEqual(await webhook.process.exit, { code: 143, signal: null });
});

test('a signal during its start ends it normally', async () => {
  await using webhook = await startWebhook(files);
  await webhook.process.waitForLine(/health and metrics are served/);
  webhook.process.signal('SIGTERM');
  assert.deepEqual(await webhook.process.exit, { code: 0, signal: null });
});

test('a handler for signals is installed before any slow module is imported', () => {
  const [file] = sourceFiles('.ts').filter(({ path }) => path === 'webhook/main.ts');
  const [before] = file?.text.split('using scope = signalScope()') ?? [];
  assert.deepEqual(importsOf({ path: 'webhook/main.ts', text: before ?? '' }), ['runtime/run-command.ts']);
  assert.deepEqual(importsOf({ path: 'webhook/main.ts', text: file?.text.replaceAll(/await import\(/g, 'x(') ?? '' }), [
    'runtime/run-command.ts',
  ]);
});

test('a port that another process uses is reported in one line', async () => {
  await using webhook = await startWebhook(files);
  const port = await webhook.listening();
  for (const flag of ['--listen', '--metrics-listen']) {
    const flags = ['--source', `manifests:${webhook.manifests.path}`, '--cert-dir', webhook.certificates];
    const others = ['--listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0', '--log-level', 'silent'];
    const ending = await runProgram('webhook/main.ts', [...flags, ...others, flag, `127.0.0.1:${port}`]);
    assert.equal(ending.code, 1);
    assert.match(
      ending.stderr,
      /^kube-macvtap-webhook: cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE.*another process/,
    );
    assert.equal(ending.stderr.trim().split('\n').length, 1, ending.stderr);
  }
});

test('invalid flags are all refused together', async () => {
  const ending = await runProgram('webhook/main.ts', [
    '--source',
    'x',
    '--listen',
    '8443',
    '--unknown-resource',
    'Maybe',
  ]);
  assert.equal(ending.code, 2);
  for (const message of [/--source x: /, /--listen 8443: write HOST:PORT/, /--unknown-resource Maybe: write one of/]) {
    assert.match(ending.stderr, message);
  }
});

test('it starts, is ready and follows policies with a node state that every reader leaves out', async () => {
  const nodes = ['evil', 'h1'].map((name) => `---\napiVersion: v1\nkind: Node\nmetadata: {name: ${name}}\n`).join('');
  // Each link is the lower one of the next, and a passthru policy matches all of them.
  const interfaces = Array.from({ length: 4_096 }, (_, index) => ({
    name: `e${index}`,
    ifindex: index + 1,
    ...(index > 0 && { lowerIfindex: index }),
  }));
  const state = {
    apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
    kind: 'MacvtapNetworkNodeState',
    metadata: { name: 'evil' },
    status: { interfaces },
  };
  const passthru = policyOf('passthru').replace('parentIface: bond1', 'nicSelector: {names: ["e*"]}');
  await using webhook = await startWebhook({
    ...files,
    'nodes.yaml': nodes,
    'passthru.yaml': passthru.replace('name: p,', 'name: passthru,').replace('dataplane', 'passthru'),
    'state.yaml': JSON.stringify(state),
  });
  await webhook.process.waitForLine(
    /"where":"state.yaml[^"]*","fault":"MacvtapNetworkNodeState evil: status.interfaces: 4096/,
  );
  const config = async () => String(editsOf(await webhook.review('mutate', nad)).at(-1)?.value);
  await webhook.manifests.write('policy.yaml', policyOf('vepa'));
  await webhook.manifests.write('passthru.yaml', '');
  await until(config, (text) => text.includes('"mode": "vepa"'));
  assert.deepEqual(await webhook.health('/readyz'), ready);
  const { body } = await webhook.health('/metrics');
  assert.match(body, /^kube_macvtap_webhook_node_states_left_out 1$/m);
});
