// SPDX-License-Identifier: Apache-2.0
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { connectStandIn } from '../../test/apiserver-standin/connect-stand-in.ts';
import { type StandInApiServer, startApiServer } from '../../test/apiserver-standin/start-api-server.ts';
import { until } from '../../test/process/until.ts';
import { ListWatch } from './list-watch.ts';
import { watchedKinds } from './watched-kinds.ts';

const [nodes] = watchedKinds({ policyNamespace: 'macvtap-cni' });

/** A change of the API server, or of the connection to it. */
type Step = (server: StandInApiServer, sent: readonly string[]) => void | Promise<void>;

const name = fc.constantFrom('a', 'b', 'c', 'd');
const put = fc.tuple(name, fc.constantFrom('1', '2', '3')).map(
  ([own, x]): Step =>
    ({ store }) =>
      void store.put({ apiVersion: 'v1', kind: 'Node', metadata: { name: own, labels: { x } } }),
);
const remove = name.map(
  (own): Step =>
    ({ store }) =>
      void store.remove(`Node/${own}`),
);
/** Sends a line of a watch again: the newest, or an older one. */
const repeat = fc.nat(9).map(
  (back): Step =>
    (server, sent) =>
      server.sendLine(sent.at(-1 - back) ?? sent[0] ?? ''),
);
const line = fc
  .constantFrom(
    '{"type":"ADDED","obj',
    '<html>gateway</html>',
    '{"type":"ERROR","object":{"code":410,"message":"gone"}}',
    '{"type":"ERROR","object":{"code":500,"message":"cannot decode"}}',
  )
  .map(
    (text): Step =>
      (server) =>
        server.sendLine(text),
  );
const trouble = fc.constantFrom<Step>(
  (server) => server.endWatches('end'),
  (server) => server.endWatches('cut'),
  (server) => server.silenceWatches(),
  (server) => server.sendBookmarks(),
  ({ store }) => store.compact(),
  (server) => server.intercept(() => ({ status: 500, body: { message: 'no' } })),
  (server) => server.intercept(() => 'reset'),
  (server) =>
    server.intercept(({ query }) => (query.get('watch') === null ? undefined : { status: 429, body: undefined })),
  (server) => server.intercept(undefined),
  async (server) => {
    await server.stop();
    await server.start();
  },
);
const time = fc.nat(9).map(
  (ms): Step =>
    () =>
      sleep(ms),
);
const step = fc.oneof(
  { weight: 4, arbitrary: put },
  remove,
  repeat,
  line,
  { weight: 5, arbitrary: trouble },
  { weight: 4, arbitrary: time },
);

test('after any behaviour of the API server, the known objects finally equal those of the server', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 40 }), async (steps) => {
      await using undo = new AsyncDisposableStack();
      const server = undo.use(await startApiServer());
      const client = undo.use(connectStandIn(server));
      const sent: string[] = [];
      undo.use(server.store.onEvent(({ type, object }) => void sent.push(JSON.stringify({ type, object }))));
      if (nodes === undefined) throw new Error('Nodes are not watched');
      const { resource, trim } = nodes;
      const pause = (ms: number) => sleep(Math.min(ms, 5));
      const watch = undo.use(new ListWatch({ client, resource, trim, pause, onChange: () => undefined }));
      for (const happens of steps) await happens(server, sent);
      server.intercept(undefined);
      // Cut the watches. Otherwise, the client would end a silent watch only after some minutes.
      server.endWatches('cut');
      await until(
        async () => [held(watch.objects.values()), held(server.store.objects.values()), watch.problem?.message],
        ([known, there, problem]) => known === there && problem === undefined,
      );
    }),
    { seed: 10, numRuns: 15, endOnFailure: true },
  );
});

function held(objects: Iterable<{ readonly metadata: { readonly name: string; readonly [field: string]: unknown } }>) {
  return JSON.stringify([...objects].map(({ metadata }) => [metadata.name, metadata.labels]).sort());
}
