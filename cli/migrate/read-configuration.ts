// SPDX-License-Identifier: Apache-2.0
import { parseDocuments } from '../../cluster/manifests/parse-documents.ts';
import { itemsOf } from '../../cluster/manifests/read-file.ts';
import { isRecord } from '../../cluster/objects/known-object.ts';
import type { Snapshot } from '../../cluster/snapshot.ts';
import {
  type ExplicitConfig,
  type ExplicitEntry,
  explicitConfigMap,
  readExplicit,
} from '../../policy/plan/read-explicit.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { LintInput } from '../lint/read-inputs.ts';

const { name: mapName, key } = explicitConfigMap;

/**
 * The entries of the cluster's config map, or of a file with it, whatever its namespace, or with nothing but the JSON
 * list. Raises ManifestsUnreadable where there is none that says anything.
 */
export function readConfiguration(input: LintInput | undefined, snapshot: Snapshot): readonly ExplicitEntry[] {
  const where = input?.name ?? `ConfigMap ${mapName} of the cluster`;
  const config = input === undefined ? snapshot.explicit : readFile(input);
  if (config === undefined) throw nothing(`${where}: not there; give a file by -f, or see --installation-namespace`);
  if ('fault' in config) throw nothing(`${where}: ${config.fault}`);
  if (config.entries.length === 0) throw nothing(`${where}: it has no entries, so there is nothing to migrate`);
  return config.entries;
}

function readFile({ content }: LintInput): ExplicitConfig | undefined {
  if ('fault' in content) return content;
  if (content.text.trimStart().startsWith('[')) return readExplicit(content.text);
  for (const document of parseDocuments(content.text)) {
    if ('fault' in document.content) return document.content;
    const maps = itemsOf(document.content.value).map(({ value }) => value);
    const found = maps.find(
      (value) => isRecord(value) && value.kind === 'ConfigMap' && isRecord(value.data) && key in value.data,
    );
    if (isRecord(found) && isRecord(found.data)) return readExplicit(String(found.data[key]));
  }
  return { fault: `neither a ConfigMap with the key ${key} nor a JSON list` };
}

function nothing(message: string): MacvtapError {
  return new MacvtapError('ManifestsUnreadable', message);
}
