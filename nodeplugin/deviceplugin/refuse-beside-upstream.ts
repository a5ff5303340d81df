// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { resourcePrefix } from '../../policy/plan/resource-name.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { isListening } from './is-listening.ts';

/**
 * Upstream's plugin serves a resource on `<resource namespace>_<name>` in kubelet's directory (device-plugin-manager
 * pkg/dpm/plugin.go). Two plugins of one resource take it from each other for ever and make the same links, so ours
 * steps back: raises `UpstreamPluginRunning` while the other one listens.
 */
export async function refuseBesideUpstream(directory: string, name: string): Promise<void> {
  const path = join(directory, `${resourcePrefix.slice(0, -1)}_${name}`);
  if ((await isListening(path)) !== 'yes') return;
  throw new MacvtapError(
    'UpstreamPluginRunning',
    `resource ${name}: another macvtap device plugin serves it on ${path}; remove macvtap-cni's DaemonSet from this node, ` +
      'then it is registered by itself',
    { facts: { resource: name, path } },
  );
}
