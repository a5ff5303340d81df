// SPDX-License-Identifier: Apache-2.0
import { type Agent, Agent as PlainAgent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';

/** How to reach the API server, and with which credentials. */
export interface Connection extends Disposable {
  /** @example 'https://10.96.0.1:443' */
  readonly server: string;
  /**
   * Returns the credentials for the next request. Call this for each request: tokens rotate and certificates are
   * renewed. With `renew`, cached credentials are read again, for example after the API server rejected them.
   */
  credentials(renew?: boolean): Promise<Credentials>;
}

export interface Credentials {
  /** @example { authorization: 'Bearer …' } */
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: Agent;
}

/** The TLS options of a connection: the trusted CA, the client certificate, and how strictly to verify. */
interface TlsMaterial {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly servername?: string | undefined;
  /** False only if a kubeconfig sets insecure-skip-tls-verify. */
  readonly rejectUnauthorized?: boolean | undefined;
}

/** The HTTP agents of one server, which hold its sockets. */
export interface TlsAgents extends Disposable {
  /** The agent for these TLS options. The same options give the same agent, so its sockets are reused. */
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
      // Requests in flight with older options still finish. New requests use the new agent, and idle sockets of the old
      // agent are closed.
      for (const [key, older] of agents) if (older !== agent && isUnused(older)) agents.delete(key);
      return agent;
    },
    [Symbol.dispose]() {
      for (const agent of agents.values()) agent.destroy();
      agents.clear();
    },
  };
}

/** Closes an agent's idle sockets. After a failure, they may be dead without having reported an error. */
export function dropIdleSockets(agent: PlainAgent): void {
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

function retire(agent: PlainAgent): void {
  dropIdleSockets(agent);
  // Closes the sockets of requests in flight when those requests finish.
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
 * Idle sockets are closed before the API server closes them (IdleTimeout of its http2 and http servers: 90 s). TCP
 * keep-alive probes start after 30 s, as in client-go. Load balancers have longer idle timeouts.
 */
const keepAlive = { keepAlive: true, keepAliveMsecs: 30_000, timeout: 60_000 } as const;
