// SPDX-License-Identifier: Apache-2.0
import { type Agent, Agent as PlainAgent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';

/** The address of the API server, and the credentials for it. */
export interface Connection extends Disposable {
  /** @example 'https://10.96.0.1:443' */
  readonly server: string;
  /**
   * Returns the credentials for the next request. Call this for each request, because tokens are rotated and
   * certificates are renewed. `renew` discards cached credentials, for example after the API server rejected them.
   */
  credentials(renew?: boolean): Promise<Credentials>;
}

export interface Credentials {
  /** @example { authorization: 'Bearer …' } */
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: Agent;
}

/** The TLS options of a connection: the trusted CA, the client certificate, and whether to verify the server. */
export interface TlsMaterial {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly servername?: string | undefined;
  /** False only if a kubeconfig sets insecure-skip-tls-verify. */
  readonly rejectUnauthorized?: boolean | undefined;
}

/** The HTTP agents of one server. They keep its sockets. */
export interface TlsAgents extends Disposable {
  /** Returns the agent for these TLS options. Equal options return the same agent, so that its sockets are reused. */
  agentFor(material: TlsMaterial): PlainAgent;
}

export function createTlsAgents(server: string): TlsAgents {
  const agents = new Map<string, PlainAgent>();
  let newest: PlainAgent | undefined;
  return {
    agentFor(material) {
      const agent = agents.getOrInsertComputed(JSON.stringify(material), () => createAgent(server, material));
      if (newest !== agent && newest !== undefined) retire(newest);
      newest = agent;
      // Remove older agents that have no sockets left. An older agent with requests in flight stays until they have
      // finished.
      for (const [key, older] of agents) if (older !== agent && isUnused(older)) agents.delete(key);
      return agent;
    },
    [Symbol.dispose]() {
      for (const agent of agents.values()) agent.destroy();
      agents.clear();
    },
  };
}

/** Closes the idle sockets of an agent. After a failure, they may be dead although they reported no error. */
export function dropIdleSockets(agent: PlainAgent): void {
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

function retire(agent: PlainAgent): void {
  dropIdleSockets(agent);
  // With no free sockets allowed, each socket that is in use is closed after its request.
  agent.maxFreeSockets = 0;
}

function isUnused(agent: PlainAgent): boolean {
  return Object.keys(agent.sockets).length === 0 && Object.keys(agent.freeSockets).length === 0;
}

function createAgent(server: string, material: TlsMaterial): PlainAgent {
  const given = Object.fromEntries(Object.entries(material).filter(([, value]) => value !== undefined));
  return server.startsWith('http:')
    ? new PlainAgent(keepAlive)
    : new TlsAgent({ ...keepAlive, ...given, minVersion: 'TLSv1.2' });
}

/**
 * Idle sockets are closed after 60 s, before the API server closes them (after 90 s: IdleTimeout of its http and http2
 * servers). TCP keep-alive probes start after 30 s, as in client-go, because load balancers may drop connections that
 * are silent for longer.
 */
const keepAlive = { keepAlive: true, keepAliveMsecs: 30_000, timeout: 60_000 } as const;
