// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { mkdir, readdir, rm, unlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MacvtapError } from '../../runtime/errors.ts';
import { createNode, devices } from './plugin-fixture.ts';
import { type Kubelet, startKubelet } from './start-kubelet.ts';

const dataplane = 'macvtap.network.kubevirt.io/dataplane';

const lists = (name: string, count: number) => (kubelet: Kubelet) => {
  const resource = kubelet.resource(name);
  return resource?.connected === true && resource.devices.filter(({ health }) => health === 'Healthy').length === count;
};

test('a resource is registered under its full name and lists its devices, then each change once', async () => {
  await using node = await createNode();
  await using kubelet = await startKubelet({ directory: node.directory });
  const { plugin, reached } = node.serve('dataplane', devices('dataplane', 3));
  assert.equal(plugin.state.phase, 'starting');
  await reached('registered');
  await kubelet.waitFor(lists(dataplane, 3));
  assert.equal(plugin.resourceName, dataplane);
  assert.equal(plugin.setDevices(devices('dataplane', 3)), false);
  assert.equal(plugin.setDevices(devices('dataplane', 2)), true);
  await kubelet.waitFor(lists(dataplane, 2));
  assert.equal(kubelet.resource(dataplane)?.messages, 2);
});

test('if kubelet and its directory appear later, the resource is registered, and the absence is reported once', async () => {
  await using node = await createNode({ below: 'device-plugins' });
  const { plugin, states, reached } = node.serve('dataplane', devices('dataplane', 1));
  const waiting = await reached('waiting');
  assert.equal(waiting.lastError?.code, 'KubeletDirectoryMissing');
  await mkdir(node.directory);
  await using kubelet = await startKubelet({ directory: node.directory });
  await kubelet.waitFor(lists(dataplane, 1));
  await reached('registered');
  assert.equal(plugin.state.phase, 'registered');
  assert.equal(states.events.filter(({ lastError }) => lastError?.code === 'KubeletDirectoryMissing').length, 2);
});

test('a restarted kubelet gets every resource again, with the current devices', async () => {
  await using node = await createNode();
  await using kubelet = await startKubelet({ directory: node.directory });
  const served = ['dataplane', 'bond1'].map((name) => node.serve(name, devices(name, 2)));
  const names = served.map(({ plugin }) => plugin.resourceName);
  await kubelet.waitFor(() => names.every((name) => lists(name, 2)(kubelet)));
  for (let round = 2; round < 5; round += 1) {
    await kubelet.restart();
    served[0]?.plugin.setDevices(devices('dataplane', round + 1));
    await kubelet.waitFor(
      () => lists(dataplane, round + 1)(kubelet) && names.every((name) => kubelet.resource(name)?.connected),
    );
  }
  assert.equal(kubelet.resource('macvtap.network.kubevirt.io/bond1')?.devices.length, 2);
});

test('a resource that has moved to DRA leaves kubelet a plugin that requires no PreStartContainer', async () => {
  await using node = await createNode();
  await using kubelet = await startKubelet({ directory: node.directory });
  const [moved, ended] = ['dataplane', 'bond1'].map((name) => node.serve(name, devices(name, 2)));
  await Promise.all([moved?.reached('registered'), ended?.reached('registered')]);
  await moved?.plugin.stop(true);
  await ended?.plugin.stop();
  const optionsOf = (name: string) => kubelet.resource(`macvtap.network.kubevirt.io/${name}`)?.options;
  assert.equal(optionsOf('dataplane')?.pre_start_required, false);
  assert.equal(optionsOf('bond1')?.pre_start_required, true);
  await kubelet.waitFor(() => kubelet.resource(dataplane)?.connected === false);
});

test('a resource moves to DRA although kubelet is absent', async () => {
  await using node = await createNode({ below: 'device-plugins' });
  const { plugin, reached } = node.serve('dataplane', devices('dataplane', 1));
  await reached('waiting');
  await plugin.stop(true);
});

test('each attempt to register is reported with its outcome, and so is the end of a registration', async () => {
  await using node = await createNode({ below: 'device-plugins' });
  const outcomes: string[] = [];
  const onRegistration = (outcome: string) => void outcomes.push(outcome);
  const { reached, next } = node.serve('dataplane', devices('dataplane', 1), { onRegistration });
  await reached('waiting');
  await mkdir(node.directory);
  await using kubelet = await startKubelet({ directory: node.directory });
  await reached('registered');
  const waiting = next('waiting');
  await kubelet.restart();
  await waiting;
  assert.deepEqual([outcomes[0], outcomes.indexOf('lost') - outcomes.indexOf('registered')], ['failed', 1]);
});

test('restarts in quick succession end with every resource registered', async () => {
  await using node = await createNode();
  await using kubelet = await startKubelet({ directory: node.directory });
  const served = ['dataplane', 'bond1', 'eth0'].map((name) => node.serve(name, devices(name, 2)));
  for (let round = 0; round < 10; round += 1) await kubelet.restart();
  await kubelet.waitFor(() => served.every(({ plugin }) => lists(plugin.resourceName, 2)(kubelet)));
});

test('a killed kubelet leaves its socket; the resource waits, and the next kubelet gets it', async () => {
  await using node = await createNode();
  const { reached, failed } = node.serve('dataplane', devices('dataplane', 1));
  const program = fileURLToPath(new URL('./kubelet-process.ts', import.meta.url));
  const killed = spawn(process.execPath, [program, node.directory], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(killed.stdout, 'data');
    await reached('registered');
  } finally {
    killed.kill('SIGKILL');
  }
  const refusal = await failed('KubeletRefused');
  assert.match(refusal.message, /ECONNREFUSED/);
  assert.ok((await readdir(node.directory)).includes('kubelet.sock'));
  await using kubelet = await startKubelet({ directory: node.directory });
  await kubelet.waitFor(lists(dataplane, 1));
});

test('both a kubelet that ends and a later kubelet in its place are followed', async () => {
  await using node = await createNode();
  const { plugin, next, reached } = node.serve('dataplane', devices('dataplane', 1));
  {
    await using _ = await startKubelet({ directory: node.directory });
    await reached('registered');
  }
  if (plugin.state.phase === 'registered') await next('waiting');
  await using kubelet = await startKubelet({ directory: node.directory });
  await kubelet.waitFor(lists(dataplane, 1));
});

test('if the directory is deleted and recreated, the resource is registered again', async () => {
  await using node = await createNode({ below: 'device-plugins' });
  const { next, reached } = node.serve('dataplane', devices('dataplane', 1));
  {
    await using _ = await startKubelet({ directory: node.directory });
    await reached('registered');
    const waiting = next('waiting');
    await rm(node.directory, { recursive: true });
    await waiting;
  }
  await using kubelet = await startKubelet({ directory: node.directory });
  await kubelet.waitFor(lists(dataplane, 1));
});

test("if another program removes the plugin's socket, the socket is recreated and registered again", async () => {
  await using node = await createNode();
  await using kubelet = await startKubelet({ directory: node.directory });
  const { reached } = node.serve('dataplane', devices('dataplane', 1));
  await reached('registered');
  await kubelet.waitFor(lists(dataplane, 1));
  const endpoint = kubelet.resource(dataplane)?.endpoint ?? '';
  await unlink(join(node.directory, endpoint));
  await kubelet.waitFor(() => lists(dataplane, 1)(kubelet) && kubelet.resource(dataplane)?.endpoint !== endpoint);
});

test('each registration uses a new socket, because kubelet 1.37 refuses one that it still follows', async () => {
  await using node = await createNode();
  const endpoints: string[] = [];
  await using kubelet = await startKubelet({
    directory: node.directory,
    onEvent: (event) => void (event.type === 'register' && endpoints.push(event.endpoint)),
  });
  node.serve('dataplane', devices('dataplane', 1));
  await kubelet.waitFor(lists(dataplane, 1));
  await kubelet.restart();
  await kubelet.waitFor(lists(dataplane, 1));
  await unlink(join(node.directory, endpoints.at(-1) ?? ''));
  await kubelet.waitFor(() => lists(dataplane, 1)(kubelet) && endpoints.length > 2);
  assert.equal(new Set(endpoints).size, endpoints.length, endpoints.join());
});

test('a kubelet that refuses is called until it accepts, and its reason is visible until then', async () => {
  await using node = await createNode();
  let refusals = 0;
  await using kubelet = await startKubelet({
    directory: node.directory,
    onRegister: () => {
      refusals += 1;
      if (refusals <= 3) throw new Error('not yet');
    },
  });
  const { states, reached, failed } = node.serve('dataplane', devices('dataplane', 1));
  const { message } = await failed('KubeletRefused');
  assert.match(message, /kubelet\.sock.*dataplane.*not yet/);
  await kubelet.waitFor(lists(dataplane, 1));
  await reached('registered');
  const reported = states.events.filter(
    ({ phase, lastError }) => phase === 'waiting' && lastError?.code === 'KubeletRefused',
  );
  assert.equal(reported.length, 1);
});

test('if kubelet does not answer Register, the call times out and is repeated', async () => {
  await using node = await createNode();
  let asked = 0;
  await using kubelet = await startKubelet({
    directory: node.directory,
    onRegister: async () => {
      asked += 1;
      if (asked === 1) await new Promise(() => {});
    },
  });
  const { failed } = node.serve('dataplane', devices('dataplane', 1), { registerTimeoutMs: 50 });
  assert.match((await failed('KubeletRefused')).message, /DEADLINE_EXCEEDED/);
  await kubelet.waitFor(lists(dataplane, 1));
});

test('stop ends a hanging registration and an open stream, and leaves no socket', async () => {
  await using node = await createNode();
  const asked = Promise.withResolvers<void>();
  await using kubelet = await startKubelet({
    directory: node.directory,
    onRegister: async ({ resource_name }) => {
      if (!resource_name.endsWith('hanging')) return;
      asked.resolve();
      await new Promise(() => {});
    },
  });
  const open = node.serve('dataplane', devices('dataplane', 1));
  const hanging = node.serve('hanging', devices('hanging', 1));
  await kubelet.waitFor(lists(dataplane, 1));
  await asked.promise;
  await Promise.all([open.plugin.stop(), hanging.plugin.stop()]);
  await kubelet.waitFor(() => kubelet.resource(dataplane)?.connected === false);
  assert.deepEqual(await readdir(node.directory), ['kubelet.sock']);
});

test('stop returns at once if kubelet is down', async () => {
  await using node = await createNode({ below: 'device-plugins' });
  const { plugin, reached } = node.serve('dataplane', []);
  await reached('waiting');
  await plugin.stop();
  assert.equal(plugin.state.phase, 'waiting');
});

test('the end of the scope stops a resource without a call of stop', async () => {
  await using node = await createNode();
  await using kubelet = await startKubelet({ directory: node.directory });
  const scope = new AbortController();
  node.serve('dataplane', devices('dataplane', 1), { signal: scope.signal });
  await kubelet.waitFor(lists(dataplane, 1));
  scope.abort();
  await kubelet.waitFor(() => kubelet.resource(dataplane)?.connected === false);
});

test('if a handler throws, the admission fails with its message, and the resource stays registered', async () => {
  await using node = await createNode();
  await using kubelet = await startKubelet({ directory: node.directory });
  const message = 'no device dataplaneMvp0 was offered on bond1; see the state of this node';
  const { reached } = node.serve('dataplane', devices('dataplane', 1), {
    handlers: {
      allocate: () => {
        throw new MacvtapError('Aborted', message);
      },
    },
  });
  await reached('registered');
  await kubelet.waitFor(lists(dataplane, 1));
  await assert.rejects(kubelet.allocate(dataplane, 1), {
    message: `Allocate failed due to CANCELLED: ${message}, which is unexpected`,
  });
  assert.deepEqual(kubelet.held(dataplane), []);
  assert.equal(kubelet.resource(dataplane)?.connected, true);
});

test('starts, restarts and stops leave no descriptor open', async () => {
  const cycle = async (): Promise<void> => {
    await using node = await createNode();
    await using kubelet = await startKubelet({ directory: node.directory });
    node.serve('dataplane', devices('dataplane', 1));
    await kubelet.waitFor(lists(dataplane, 1));
    await kubelet.restart();
    await kubelet.waitFor(lists(dataplane, 1));
  };
  // The first cycle opens descriptors that the process keeps: inotify, epoll and the reader of the proto file.
  await cycle();
  await settled(() => sockets() === 0);
  const before = descriptors();
  for (let round = 0; round < 3; round += 1) await cycle();
  await settled(() => sockets() === 0 && descriptors() <= before);
  assert.ok(descriptors() <= before);
});

const open = (): string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
const descriptors = (): number => open().length;
// The pipes of the test runner are left out.
const baseline = new Set(open());
const sockets = (): number => open().filter((target) => target.startsWith('socket:') && !baseline.has(target)).length;

/**
 * Waits until descriptors are closed, which takes some turns of the event loop. The limit is so large that only a leak
 * can reach it.
 */
async function settled(isDone: () => boolean): Promise<void> {
  for (let turn = 0; turn < 20_000; turn += 1) {
    if (isDone()) return;
    await setImmediate();
  }
  assert.fail(`still open: ${open().join(' ')}`);
}

test("a resource that macvtap-cni's plugin serves is not registered, with an error that names the plugin, until that plugin is gone", async () => {
  await using node = await createNode();
  await using kubelet = await startKubelet({ directory: node.directory });
  const path = join(node.directory, 'macvtap.network.kubevirt.io_dataplane');
  const upstream = createServer().listen(path);
  await once(upstream, 'listening');
  const resource = node.serve('dataplane', devices('dataplane', 2));
  const error = await resource.failed('UpstreamPluginRunning');
  assert.ok(error.message.includes(path));
  assert.deepEqual(kubelet.resources(), []);
  upstream.close();
  await resource.reached('registered');
});
