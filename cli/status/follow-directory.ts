// SPDX-License-Identifier: Apache-2.0
import { ManifestsSource } from '../../cluster/manifests/manifests-source.ts';
import { listManifests } from '../view/manifests-view.ts';
import type { View } from '../view/view.ts';
import type { StatusFeed } from './status-feed.ts';

/** Follows a directory of manifests until its scope ends. */
export async function followDirectory(view: View, onChange: () => void): Promise<StatusFeed> {
  const source = await ManifestsSource.open(view.where, view.policyNamespace);
  const changes = source.onChange(onChange);
  return {
    read: async () => ({
      snapshot: source.snapshot,
      policies: await listManifests(view.where, {
        kind: 'macvtapnetworknodepolicies',
        namespace: view.policyNamespace,
      }),
      pluginPods: undefined,
      isOfFiles: true,
      knowsNodes: true,
      knowsStates: true,
    }),
    get troubles() {
      return source.faults.map(({ where, message }) => `${where}: ${message}`);
    },
    async [Symbol.asyncDispose]() {
      changes[Symbol.dispose]();
      await source[Symbol.asyncDispose]();
    },
  };
}
