// SPDX-License-Identifier: Apache-2.0
// Builds the programs of a real Kubernetes that tests need: node test/binaries/main.ts [control-plane | cluster |
// <program>...]
import { cacheFolder } from './binary-path.ts';
import { buildBinaries } from './build-binaries.ts';
import { type ProgramName, programSets, recipes } from './recipes.ts';

const wanted = process.argv.slice(2);
const names = (wanted.length === 0 ? ['control-plane'] : wanted).flatMap<ProgramName>((name) => {
  if (Object.hasOwn(programSets, name)) return programSets[name as keyof typeof programSets];
  if (Object.hasOwn(recipes, name)) return name as ProgramName;
  const known = [...Object.keys(programSets), ...Object.keys(recipes)].join(', ');
  throw new Error(`${name}: no such program or set; known: ${known}`);
});
try {
  await buildBinaries({ names, folder: cacheFolder, print: (line) => console.error(line) });
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : thrown);
  process.exitCode = 1;
}
