// SPDX-License-Identifier: Apache-2.0
import { type BlockProof, blockProofs } from './block-proofs.ts';
import { type CodeBlock, readPage } from './markdown.ts';
import { sourceFiles } from './source-files.ts';

/** A block of a page of ours. */
export interface DocBlock extends CodeBlock {
  readonly page: string;
  /** What the table of proofs knows it by. */
  readonly firstLine: string;
}

/** Every block of every page, from above to below. */
export function docBlocks(): readonly DocBlock[] {
  return sourceFiles('.md').flatMap(({ path, text }) =>
    readPage(text).blocks.map((block) => ({ page: path, firstLine: block.text.split('\n')[0] ?? '', ...block })),
  );
}

/** Blocks of commands, and of what they print; an indented one counts as commands. */
export function isCommands({ language }: CodeBlock): boolean {
  return language === undefined || ['sh', 'console', 'text'].includes(language);
}

/** What the table says of a block, if it does. */
export function proofOf({ page, firstLine }: DocBlock): BlockProof | undefined {
  return blockProofs[page]?.[firstLine];
}
