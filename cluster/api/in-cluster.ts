// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MacvtapError } from '../../runtime/errors.ts';
import type { Connection, Credentials } from './connection.ts';
import { createTlsAgents } from './tls-agents.ts';

/** Where kubelet mounts a pod's service account. */
export const serviceAccountDirectory = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Tokens live an hour and are replaced after 48 minutes at the latest; client-go looks as often. */
const rereadMs = 60_000;

/**
 * The API server as a pod's service account. The library's KubeConfig could do the same, but importing it costs 80 MB of
 * resident memory (it brings every client of every API group), in the very place where memory counts; hence these few
 * lines, with what it leaves out: a rotated CA is followed, and so is a token that was replaced early.
 */
export function connectInCluster(server: string, directory: string): Connection {
  const agents = createTlsAgents(server);
  let kept: { readonly token: string; readonly ca: string; readonly readAt: number } | undefined;
  return {
    server,
    async credentials(renew = false): Promise<Credentials> {
      const now = performance.now();
      if (kept === undefined || renew || now - kept.readAt >= rereadMs) {
        const [token, ca] = await Promise.all([readMounted(directory, 'token'), readMounted(directory, 'ca.crt')]);
        kept = { token: token.trim(), ca, readAt: now };
      }
      return { headers: { authorization: `Bearer ${kept.token}` }, agent: agents.agentFor({ ca: kept.ca }) };
    },
    [Symbol.dispose]: () => agents[Symbol.dispose](),
  };
}

async function readMounted(directory: string, name: string): Promise<string> {
  const path = join(directory, name);
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    const hint = 'let the pod mount its service account, or give --kubeconfig';
    throw new MacvtapError('ApiServerUnknown', `cannot read ${path}: ${text}; ${hint}`, {
      facts: { path },
      cause: thrown,
    });
  }
}
