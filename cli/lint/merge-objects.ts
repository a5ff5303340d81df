// SPDX-License-Identifier: Apache-2.0
import { mergeFiles } from '../../cluster/manifests/merge-files.ts';
import type { Snapshot } from '../../cluster/snapshot.ts';
import { warn } from '../../policy/reasons.ts';
import { type LintFinding, toFinding } from './finding.ts';
import type { LintObject } from './read-objects.ts';

/**
 * The objects of all files as one cluster: a network is judged by the policies beside it. One that stands twice counts
 * where it stands first, which is told of the others.
 */
export function mergeObjects(objects: readonly LintObject[]): {
  readonly snapshot: Snapshot;
  readonly findings: readonly LintFinding[];
} {
  const first = new Map<string, LintObject>();
  const findings: LintFinding[] = [];
  for (const object of objects) {
    if (object.read?.known === undefined) continue;
    const earlier = first.getOrInsert(object.id, object);
    if (earlier !== object) findings.push(tellRepeated(object, earlier));
  }
  const known = [...first.values()].flatMap(({ id, read }) =>
    read?.known === undefined ? [] : [{ id, where: '', known: read.known }],
  );
  return { snapshot: mergeFiles([{ objects: known, faults: [] }]).snapshot, findings };
}

function tellRepeated({ file, document, root, id }: LintObject, earlier: LintObject): LintFinding {
  const place = `${earlier.file}:${earlier.document.lineOf(earlier.root)}`;
  const line = document.lineOf(root);
  return toFinding({ file, line, object: id }, warn('RepeatedObject', '', `${id} stands in ${place}: remove one`));
}
