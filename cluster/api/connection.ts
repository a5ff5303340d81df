// SPDX-License-Identifier: Apache-2.0
import type { Agent } from 'node:http';

/** How the API server is reached, and as whom. */
export interface Connection extends Disposable {
  /** @example 'https://10.96.0.1:443' */
  readonly server: string;
  /**
   * What the next request is sent with. Asked for each request, since tokens rotate and certificates are renewed; `renew`
   * asks for what is kept to be read again, after the API server did not know the last ones.
   */
  credentials(renew?: boolean): Promise<Credentials>;
}

export interface Credentials {
  /** @example { authorization: 'Bearer …' } */
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: Agent;
}
