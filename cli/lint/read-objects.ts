// SPDX-License-Identifier: Apache-2.0
import { type ManifestDocument, parseDocuments } from '../../cluster/manifests/parse-documents.ts';
import { itemsOf } from '../../cluster/manifests/read-file.ts';
import { isRecord, type ReadObject } from '../../cluster/objects/known-object.ts';
import { readObject } from '../../cluster/objects/read-object.ts';
import { deny, type Verdict, warn } from '../../policy/reasons.ts';
import { applyPolicyDefaults } from './apply-defaults.ts';
import type { PlacedValue } from './find-line.ts';
import { type LintFinding, toFinding } from './finding.ts';
import type { LintInput } from './read-inputs.ts';

/** An object of a file. */
export interface LintObject extends PlacedValue {
  readonly file: string;
  /** `Pod default/web`. */
  readonly id: string;
  /** What it means to the rest of the program. */
  readonly read: ReadObject;
}

/** What one file holds: its objects, and what is wrong where none could be read. */
export interface LintFile {
  readonly objects: readonly LintObject[];
  readonly findings: readonly LintFinding[];
}

/**
 * Reads the objects of a file. One that was found in a directory may hold something else than manifests: that is passed
 * over, and a template that no YAML can be made of yet is only told.
 */
export function readObjects(input: LintInput, policyNamespace: string): LintFile {
  const { name: file, isNamed, content } = input;
  const say = (line: number, verdict: Verdict) => toFinding({ file, line, object: '' }, verdict);
  if ('fault' in content) return { objects: [], findings: [say(1, deny('FileUnreadable', '', content.fault))] };
  const documents = tryParse(content.text);
  if ('fault' in documents) return { objects: [], findings: [say(1, deny('NotYAML', '', documents.fault))] };
  const objects: LintObject[] = [];
  const findings: LintFinding[] = [];
  for (const document of documents) {
    if ('fault' in document.content) {
      findings.push(say(document.line, explainFault(document.content.fault, content.text, isNamed)));
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

/** The parser recurses, and overflows the stack where nesting is deeper than anything that a person writes. */
function tryParse(text: string): readonly ManifestDocument[] | { readonly fault: string } {
  try {
    return parseDocuments(text);
  } catch (error) {
    if (error instanceof RangeError) return { fault: 'nested too deep' };
    throw error;
  }
}

function explainFault(fault: string, text: string, isNamed: boolean): Verdict {
  const problem = fault.replace(/^no YAML: /, '');
  if (!text.includes('{{')) return deny('NotYAML', '', problem);
  const detail = `${problem}; it looks like a template: lint what is made of it, such as helm template . | kubectl macvtap lint -`;
  return isNamed ? deny('NotYAML', '', detail) : warn('NotYAML', '', detail);
}

function isManifest(value: unknown): boolean {
  return isRecord(value) && ('kind' in value || 'apiVersion' in value);
}

function nameOf(value: unknown): string {
  if (!isRecord(value) || typeof value.kind !== 'string') return '';
  const metadata = isRecord(value.metadata) ? value.metadata : {};
  const textOf = (field: string) => (typeof metadata[field] === 'string' ? metadata[field] : undefined);
  const name = textOf('name') ?? `${textOf('generateName') ?? ''}*`;
  return `${value.kind} ${textOf('namespace') ?? 'default'}/${name}`;
}
