// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { binaryPath } from '../binaries/binary-path.ts';

export interface EtcdOptions {
  readonly folder: string;
  readonly port: number;
  readonly peerPort: number;
}

/** Returns the URL of an etcd. */
export function etcdUrl({ port }: Pick<EtcdOptions, 'port'>): string {
  return `http://127.0.0.1:${port}`;
}

/** Returns the command of an etcd whose data need not survive a crash of the machine. */
export function etcdCommand(options: EtcdOptions): readonly [string, ...string[]] {
  const url = etcdUrl(options);
  const peerUrl = `http://127.0.0.1:${options.peerPort}`;
  return [
    binaryPath('etcd'),
    '--name=default',
    `--data-dir=${join(options.folder, 'etcd')}`,
    '--unsafe-no-fsync',
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
    '--log-level=warn',
  ];
}

/** Returns whether etcd is healthy. Rejects while etcd does not listen. */
export async function isEtcdReady(options: Pick<EtcdOptions, 'port'>): Promise<boolean> {
  return (await fetch(`${etcdUrl(options)}/health`)).ok;
}
