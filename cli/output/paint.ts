// SPDX-License-Identifier: Apache-2.0
import { styleText } from 'node:util';

/** Colours by what they say. */
const styles = { good: 'green', poor: 'yellow', bad: 'red', faint: 'dim' } as const;

export type Tone = keyof typeof styles;

/** Colours a text. */
export type Paint = (tone: Tone, text: string) => string;

/** Colours where the stream is a terminal that has them, and nobody set NO_COLOR: Node looks at both. */
export function paintFor(stream: NodeJS.WritableStream): Paint {
  return (tone, text) => styleText(styles[tone], text, { stream });
}
