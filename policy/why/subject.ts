// SPDX-License-Identifier: Apache-2.0

/** What `why` is asked about. A name of kind `nad` or `policy` or `pod` stands in a namespace. */
export type Subject =
  | { readonly kind: 'pod' | 'nad' | 'policy'; readonly namespace: string; readonly name: string }
  | { readonly kind: 'node'; readonly name: string };

/** The kinds as the API server calls them. */
export const kindNames = {
  pod: 'Pod',
  nad: 'NetworkAttachmentDefinition',
  node: 'Node',
  policy: 'MacvtapNetworkNodePolicy',
} as const satisfies Record<Subject['kind'], string>;

/** `default/vm`, or `h1` for what has no namespace. */
export function nameOf(subject: Subject): string {
  return subject.kind === 'node' ? subject.name : `${subject.namespace}/${subject.name}`;
}
