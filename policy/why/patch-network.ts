// SPDX-License-Identifier: Apache-2.0
import { applyEdits, modify } from 'jsonc-parser';
import { kubectl, placeOf } from './kubectl.ts';
import type { WhyFacts } from './why-facts.ts';

/**
 * `kubectl patch` of a network's config, in which one value is another one and every other character as it was. `object`
 * is the plugin's place: `''`, or `plugins[1]`.
 */
export function setConfigKey(
  network: string,
  { networks }: WhyFacts,
  object: string,
  key: string,
  value: string | number,
): string {
  const config = String(networks.get(network)?.spec?.config ?? '{}');
  const index = /^plugins\[(\d+)\]$/.exec(object)?.[1];
  const path = index === undefined ? [key] : ['plugins', Number(index), key];
  const edited = applyEdits(config, modify(config, path, value, {}));
  const patch = JSON.stringify({ spec: { config: edited } });
  return kubectl('patch', 'network-attachment-definitions', ...placeOf(network), '--type=merge', '-p', patch);
}
