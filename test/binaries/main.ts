// SPDX-License-Identifier: Apache-2.0
// Builds the programs of a real Kubernetes that tests need: node test/binaries/main.ts [--kubernetes VERSION]
// [control-plane | cluster | <program>...]
import { parseArgs } from 'node:util';
import { cacheFolder } from './binary-path.ts';
import { buildBinaries } from './build-binaries.ts';
import { useKubernetes } from './kubernetes-version.ts';
import { type ProgramName, programSets, recipes } from './recipes.ts';

try {
  const { values, positionals } = parseArgs({ options: { kubernetes: { type: 'string' } }, allowPositionals: true });
  if (values.kubernetes !== undefined) useKubernetes(values.kubernetes);
  const names = (positionals.length === 0 ? ['control-plane'] : positionals).flatMap(programsOf);
  await buildBinaries({ names, folder: cacheFolder, print: (line) => console.error(line) });
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  process.exitCode = 1;
}

/** Returns the programs of a set, or the program itself. */
function programsOf(name: string): readonly ProgramName[] {
  if (Object.hasOwn(programSets, name)) return programSets[name as keyof typeof programSets];
  if (Object.hasOwn(recipes, name)) return [name as ProgramName];
  const known = [...Object.keys(programSets), ...Object.keys(recipes)].join(', ');
  throw new Error(`${name}: no such program or set; known: ${known}`);
}
