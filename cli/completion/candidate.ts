// SPDX-License-Identifier: Apache-2.0

/** What a word may become, and what that means; the meaning may be empty. */
export interface Candidate {
  readonly text: string;
  readonly meaning: string;
}

export function plain(text: string): Candidate {
  return { text, meaning: '' };
}
