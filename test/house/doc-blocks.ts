// SPDX-License-Identifier: Apache-2.0
import { type BlockProof, blockProofs } from './block-proofs.ts';
import { type CodeBlock, readPage } from './markdown.ts';
import { sourceFiles } from './source-files.ts';

/** A block of a page in this repository. */
export interface DocBlock extends CodeBlock {
  readonly page: string;
  /** The block's key in the table of proofs. */
  readonly firstLine: string;
}

/** Returns every block of every page, from top to bottom. */
export function docBlocks(): readonly DocBlock[] {
  return sourceFiles('.md').flatMap(({ path, text }) =>
    readPage(text).blocks.map((block) => ({ page: path, firstLine: block.text.split('\n')[0] ?? '', ...block })),
  );
}

/** Returns whether a block contains commands, or commands with their output. An indented block counts as commands. */
export function isCommands({ language }: CodeBlock): boolean {
  return language === undefined || ['sh', 'console', 'text'].includes(language);
}

/** Returns the table's proof of a block, if there is one. */
export function proofOf({ page, firstLine }: DocBlock): BlockProof | undefined {
  return blockProofs[page]?.[firstLine];
}
