// SPDX-License-Identifier: Apache-2.0
import { ApiSource } from '../../cluster/api/api-source.ts';
import { connectStandIn } from '../apiserver-standin/connect-stand-in.ts';
import { storeKey } from '../apiserver-standin/object-store.ts';
import { startApiServer } from '../apiserver-standin/start-api-server.ts';
import { until } from '../fixtures/manifests-directory.ts';
import { testSourceContract } from './source-contract.ts';

testSourceContract('a stand-in for an API server', { faultyPolicies: 'count as they are' }, async () => {
  await using undo = new AsyncDisposableStack();
  const server = undo.use(await startApiServer());
  const client = undo.use(connectStandIn(server));
  const scope = undo.move();
  return {
    apply: async (object) => void server.store.put(object),
    remove: async (object) => void server.store.remove(storeKey(object)),
    open: async () => {
      const source = await ApiSource.open({ client, policyNamespace: 'macvtap-cni' });
      // On a very busy machine, the source opens before it is synced.
      await until(source, ({ synced }) => synced);
      return source;
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
});
