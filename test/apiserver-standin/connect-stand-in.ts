// SPDX-License-Identifier: Apache-2.0
import { type ApiClient, createApiClient } from '../../cluster/api/client.ts';
import { createTlsAgents } from '../../cluster/api/connection.ts';
import type { StandInApiServer } from './start-api-server.ts';

/** Creates a client of the stand-in: plain HTTP without a user. */
export function connectStandIn({ url }: Pick<StandInApiServer, 'url'>): ApiClient {
  const agents = createTlsAgents(url);
  return createApiClient({
    server: url,
    credentials: async () => ({ headers: {}, agent: agents.agentFor({}) }),
    [Symbol.dispose]: () => agents[Symbol.dispose](),
  });
}
