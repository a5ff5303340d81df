// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

/** What a package of others says of its licence. */
export interface PackageLicence {
  readonly name: string;
  readonly version: string;
  /** As its package.json names it. @example 'MIT' */
  readonly licence: string;
  /** Of its licence and notice files; empty where it brings none. */
  readonly texts: readonly string[];
}

/** The packages that files of a bundle come from, each once and in order; files of ours are passed over. */
export async function readLicences(root: string, files: readonly string[]): Promise<readonly PackageLicence[]> {
  const folders = new Set(files.flatMap((file) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []));
  const licences = await Promise.all([...folders].map((folder) => readLicence(resolve(root, folder))));
  const byName = new Map(licences.map((licence) => [`${licence.name} ${licence.version}`, licence]));
  return [...byName].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, licence]) => licence);
}

/** One text for all: each package's name, licence and terms. */
export function renderLicences(licences: readonly PackageLicence[]): string {
  const parts = licences.map(({ name, version, licence, texts }) =>
    [`${name} ${version}: ${licence}`, ...texts.map((text) => text.trim())].join('\n\n'),
  );
  return `${['This program contains the packages below, each under its own licence.', ...parts].join(rule)}\n`;
}

const rule = `\n\n${'-'.repeat(80)}\n\n`;

async function readLicence(folder: string): Promise<PackageLicence> {
  const {
    name,
    version,
    license: licence,
  }: Record<string, unknown> = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'));
  if (typeof name !== 'string' || typeof version !== 'string' || typeof licence !== 'string') {
    throw new Error(`${folder}/package.json does not say what it is, or under which licence`);
  }
  const files = (await readdir(folder)).filter((file) => /^(?:licen[cs]e|notice|copying)\b/i.test(file)).toSorted();
  const texts = await Promise.all(files.map((file) => readFile(`${folder}/${file}`, 'utf8')));
  return { name, version, licence, texts };
}
