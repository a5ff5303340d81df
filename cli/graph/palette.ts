// SPDX-License-Identifier: Apache-2.0
import type { GraphTone } from './graph-node.ts';

/** Ink has 4.5:1 and more against every paper below it (WCAG 2.1, 1.4.3). */
export const ink = { strong: '#1f2328', faint: '#57606a' } as const;

export const paper = {
  page: '#f6f8fa',
  card: '#ffffff',
  parent: '#eef1f4',
  line: '#c4cbd3',
  empty: '#dfe4ea',
} as const;

/** By how something is: its frame, its words, and what it stands on. */
export const toneColours: Readonly<
  Record<GraphTone, { readonly ink: string; readonly frame: string; readonly paper: string }>
> = {
  good: { ink: '#116329', frame: '#2da44e', paper: '#f2fbf4' },
  plain: { ink: '#1f2328', frame: '#8c959f', paper: '#ffffff' },
  poor: { ink: '#7d4e00', frame: '#bf8700', paper: '#fff8e5' },
  bad: { ink: '#a40e26', frame: '#cf222e', paper: '#ffebe9' },
};
