// SPDX-License-Identifier: Apache-2.0
import { Agent as PlainAgent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';

/** What of a connection is TLS's: the CA that is trusted, the client's certificate, and how strictly it is looked. */
interface TlsMaterial {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly servername?: string | undefined;
  /** False only where a kubeconfig says insecure-skip-tls-verify. */
  readonly rejectUnauthorized?: boolean | undefined;
}

/** The sockets of one server. */
export interface TlsAgents extends Disposable {
  /** The agent for this material: as long as it stays the same, so do the sockets. */
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
      // What is under way on older material goes on; nothing new begins on it, and its idle sockets are gone.
      for (const [key, older] of agents) if (older !== agent && isUnused(older)) agents.delete(key);
      return agent;
    },
    [Symbol.dispose]() {
      for (const agent of agents.values()) agent.destroy();
      agents.clear();
    },
  };
}

/** Closes an agent's idle sockets: after a failure they may be dead, too, without anybody having been told. */
export function dropIdleSockets(agent: PlainAgent): void {
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

function retire(agent: PlainAgent): void {
  dropIdleSockets(agent);
  // Sockets that come back from what is under way are not kept.
  agent.maxFreeSockets = 0;
}

function isUnused(agent: PlainAgent): boolean {
  return Object.keys(agent.sockets).length === 0 && Object.keys(agent.freeSockets).length === 0;
}

function createAgent(server: string, material: TlsMaterial): PlainAgent {
  const given = Object.fromEntries(Object.entries(material).filter(([, value]) => value !== undefined));
  return server.startsWith('http:') ? new PlainAgent(kept) : new TlsAgent({ ...kept, ...given, minVersion: 'TLSv1.2' });
}

/**
 * Idle sockets are closed before the API server does it (IdleTimeout of its http2 and http servers: 90 s), and the
 * kernel's probes begin after 30 s, as in client-go: below the idle time-outs of load balancers.
 */
const kept = { keepAlive: true, keepAliveMsecs: 30_000, timeout: 60_000 } as const;
