// SPDX-License-Identifier: Apache-2.0
import { existsSync, statSync } from 'node:fs';
import { cp, readdir, readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** The path of the site on its host, with a slash at both ends. */
const base = process.env.SITE_BASE ?? '/';

/** Files of the repository that pages link to and that are not pages. The build copies them. */
const files = new Set();

/** Returns the page's files of a folder in docs/ as entries of the sidebar, by title. */
async function entriesOf(folder) {
  const names = (await readdir(join(root, 'docs', folder))).filter((name) => name.endsWith('.md'));
  const entries = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(root, 'docs', folder, name), 'utf8');
      const title = /^# (.*)$/m.exec(text)?.[1]?.replaceAll('`', '') ?? name;
      return { text: title, link: `/${folder}/${name.slice(0, -'.md'.length)}` };
    }),
  );
  return entries.sort((one, other) => one.text.localeCompare(other.text));
}

const groups = [
  ['Tutorial', 'tutorial'],
  ['How to', 'how-to'],
  ['Reference', 'reference'],
  ['Explanation', 'explanation'],
  ['Contributing', 'contributing'],
];
const sidebar = await Promise.all(
  groups.map(async ([text, folder]) => ({ text, collapsed: false, items: await entriesOf(folder) })),
);

/** The path of each page on the site, if it differs from the path in the repository. The first match applies. */
const moved = [
  [/^README\.md$/, 'index.md'],
  [/^docs\/README\.md$/, 'contents.md'],
  [/^docs\/explanation\/decisions\/README\.md$/, 'explanation/decisions/index.md'],
  [/^charts\/kube-macvtap\/README\.md$/, 'reference/chart.md'],
  [/^(?:docs|site)\//, ''],
];

/** Returns the path of a page on the site. */
function pathOnSite(page) {
  const [from, to] = moved.find(([pattern]) => pattern.test(page)) ?? ['', ''];
  return page.replace(from, to);
}

/** Turns links between files of the repository into links between pages, or to copies of files that are not pages. */
function resolveLinks(md) {
  const render = md.renderer.rules.link_open;
  md.renderer.rules.link_open = (tokens, index, options, env, self) => {
    const [target = '', anchor] = (tokens[index].attrGet('href') ?? '').split('#');
    if (target === '' || /^[a-z]+:/.test(target)) return render(tokens, index, options, env, self);
    const source = posix.relative(root, env.realPath ?? env.path);
    const path = posix.join(posix.dirname(source), target);
    if (!existsSync(join(root, path)) || !statSync(join(root, path)).isFile()) {
      throw new Error(`${source} links to ${target}, which is not a file`);
    }
    if (path.endsWith('.md')) {
      tokens[index].attrSet('href', `/${pathOnSite(path)}${anchor === undefined ? '' : `#${anchor}`}`);
      return render(tokens, index, options, env, self);
    }
    files.add(path);
    tokens[index].attrSet('href', `${base}files/${path}`);
    tokens[index].attrSet('target', '_blank');
    return self.renderToken(tokens, index, options);
  };
}

/** Shows indented blocks, which are commands, like fenced ones: long lines scroll instead of widening the page. */
function fenceCommands(md) {
  md.renderer.rules.code_block = (tokens, index, ...rest) => {
    tokens[index].info = 'sh';
    return md.renderer.rules.fence(tokens, index, ...rest);
  };
}

/** Shows HTML as text, except for anchors and line breaks. Vue would read a placeholder such as <name> as a component. */
function escapeHtml(md) {
  const render = md.renderer.rules.html_inline;
  md.renderer.rules.html_inline = (tokens, index, ...rest) => {
    const { content } = tokens[index];
    if (/^<(?:a id="\w+"|\/a|br ?\/?)>$|^<!--/.test(content)) return render(tokens, index, ...rest);
    return md.utils.escapeHtml(content);
  };
}

// biome-ignore lint/style/noDefaultExport: VitePress reads the default export
export default {
  title: 'kube-macvtap',
  description: 'macvtap NICs for Kubernetes virtual machines and pods, chosen by policies',
  lang: 'en',
  base,
  cleanUrls: false,
  srcDir: root,
  srcExclude: ['test/**', '.github/**', 'site/*.md', 'dist/**', '.cache/**', 'coverage/**'],
  outDir: join(root, 'dist/site'),
  cacheDir: join(root, 'site/node_modules/.vitepress'),
  rewrites: pathOnSite,
  markdown: {
    // The same anchors as on the host of the repository.
    anchor: {
      slugify: (text) =>
        text
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
          .replaceAll(' ', '-'),
    },
    config: (md) => {
      resolveLinks(md);
      fenceCommands(md);
      escapeHtml(md);
    },
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Quick start', link: '/tutorial/quick-start' },
      { text: 'Install', link: '/how-to/install' },
      { text: 'All pages', link: '/contents' },
    ],
    sidebar,
  },
  async buildEnd({ outDir }) {
    for (const path of files) await cp(join(root, path), join(outDir, 'files', path));
  },
};
