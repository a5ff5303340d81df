// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';

/** The pages with a table of codes. Each code also gets a page, with an address that does not change. */
const tables = ['reasons', 'errors'];

// biome-ignore lint/style/noDefaultExport: VitePress reads the default export
export default {
  async paths() {
    const sections = await Promise.all(
      tables.map(async (name) => {
        const text = await readFile(new URL(`../../docs/reference/${name}.md`, import.meta.url), 'utf8');
        const rows = text.matchAll(/^\| <a id="(\w+)"><\/a>`\w+` *\| (.*?) *\| (.*?) *\|$/gm);
        return [...rows].map(([, code, meaning, fix]) => ({
          code,
          text: `${meaning}\n\n**Fix:** ${fix}\n\n[All ${name}](../../docs/reference/${name}.md#${code})\n`,
        }));
      }),
    );
    // Some codes are both a reason and an error, and one differs only in case, which some file systems do not distinguish.
    return [...Map.groupBy(sections.flat(), ({ code }) => code.toLowerCase())].map(([code, texts]) => ({
      params: { code },
      content: `# ${[...new Set(texts.map((row) => row.code))].join(', ')}\n\n${texts.map(({ text }) => text).join('\n')}`,
    }));
  },
};
