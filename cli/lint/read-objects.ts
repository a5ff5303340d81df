// SPDX-License-Identifier: Apache-2.0
import { type ManifestDocument, parseDocuments } from '../../cluster/manifests/parse-documents.ts';
import { itemsOf } from '../../cluster/manifests/read-manifests.ts';
import type { ReadObject } from '../../cluster/objects/known-object.ts';
import { readObject } from '../../cluster/objects/read-object.ts';
import { isJsonObject } from '../../policy/json.ts';
import { deny, type Verdict, warn } from '../../policy/reasons.ts';
import type { PlacedValue } from './find-line.ts';
import { type LintFinding, toFinding } from './findings.ts';
import { applyPolicyDefaults } from './judge-object.ts';
import type { LintInput } from './read-inputs.ts';

/** An object in a file. */
export interface LintObject extends PlacedValue {
  readonly file: string;
  /** @example 'Pod default/web' */
  readonly id: string;
  /** The object as the other commands read it. */
  readonly read: ReadObject;
}

/** The objects of a file, and findings about its unreadable parts. */
export interface LintFile {
  readonly objects: readonly LintObject[];
  readonly findings: readonly LintFinding[];
}

/**
 * Reads the objects of a file. In a file that was found in a directory, documents that are not manifests are skipped.
 * If such a file is a template that is not valid YAML, the finding is only a warning.
 */
export function readObjects(input: LintInput, policyNamespace: string): LintFile {
  const { name: file, isNamed, content } = input;
  const at = (line: number, verdict: Verdict) => toFinding({ file, line, object: '' }, verdict);
  if ('fault' in content) return { objects: [], findings: [at(1, deny('FileUnreadable', '', content.fault))] };
  const documents = tryParse(content.text);
  if ('fault' in documents) return { objects: [], findings: [at(1, deny('NotYAML', '', documents.fault))] };
  const objects: LintObject[] = [];
  const findings: LintFinding[] = [];
  for (const document of documents) {
    if ('fault' in document.content) {
      findings.push(at(document.line, explainFault(document.content.fault, content.text, isNamed)));
      continue;
    }
    const placed = itemsOf(document.content.value).map(({ value, path: root }) => ({ file, document, root, value }));
    const manifests = placed.filter(({ value }) => isNamed || isManifest(value));
    objects.push(
      ...manifests.map((each) => {
        const read = readObject(applyPolicyDefaults(each.value), policyNamespace);
        return { ...each, read, id: read?.known === undefined ? nameOf(each.value) : read.id };
      }),
    );
  }
  return { objects, findings };
}

/** Parses YAML. Extreme nesting is reported as an error, because it overflows the stack of the recursive parser. */
function tryParse(text: string): readonly ManifestDocument[] | { readonly fault: string } {
  try {
    return parseDocuments(text);
  } catch (error) {
    if (error instanceof RangeError) return { fault: 'nested too deeply' };
    throw error;
  }
}

function explainFault(fault: string, text: string, isNamed: boolean): Verdict {
  const problem = fault.replace(/^invalid YAML: /, '');
  if (!text.includes('{{')) return deny('NotYAML', '', problem);
  const detail = `${problem}; it looks like a template: lint its output: helm template . | kubectl macvtap lint -`;
  return isNamed ? deny('NotYAML', '', detail) : warn('NotYAML', '', detail);
}

function isManifest(value: unknown): boolean {
  return isJsonObject(value) && ('kind' in value || 'apiVersion' in value);
}

function nameOf(value: unknown): string {
  if (!isJsonObject(value) || typeof value.kind !== 'string') return '';
  const metadata = isJsonObject(value.metadata) ? value.metadata : {};
  const textOf = (field: string) => (typeof metadata[field] === 'string' ? metadata[field] : undefined);
  const name = textOf('name') ?? `${textOf('generateName') ?? ''}*`;
  return `${value.kind} ${textOf('namespace') ?? 'default'}/${name}`;
}
