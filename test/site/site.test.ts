// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { test } from 'node:test';
import { reasonFixes } from '../../policy/reason-fixes.ts';
import { errorFixes } from '../../runtime/errors.ts';
import { needsBrowser } from '../graph/measure-picture.ts';
import { root } from '../house/source-files.ts';
import { measurePage } from './measure-page.ts';

const site = join(root, 'dist/site');
const needsSite = existsSync(join(site, 'index.html')) ? false : 'needs the site: run npm run site';

/** The pages of the site, as paths with the text that a browser shows without scripts. */
const pages = needsSite
  ? new Map<string, string>()
  : new Map(globSync('**/*.html', { cwd: site }).map((path) => [path, readFileSync(join(site, path), 'utf8')]));

test('every link and picture of every page leads to a file of the site, and to an anchor in it', {
  skip: needsSite,
}, () => {
  const anchors = new Map([...pages].map(([path, html]) => [path, new Set(attributesOf(html, 'id'))]));
  const broken = [...pages].flatMap(([page, html]) =>
    [...attributesOf(html, 'href'), ...attributesOf(html, 'src')]
      .filter((target) => !/^(?:[a-z]+:|\/\/)/.test(target))
      .filter((target) => {
        const [path = '', anchor] = target.split('#');
        const file = resolvePath(page, path);
        if (!existsSync(join(site, file))) return true;
        return anchor !== undefined && anchor !== '' && anchors.get(file)?.has(decodeURIComponent(anchor)) === false;
      })
      .map((target) => `${page}: ${target}`),
  );
  assert.ok(pages.size > 100);
  assert.deepEqual(broken, []);
});

test('every reason and every error code has a page with its fix', { skip: needsSite }, () => {
  for (const [code, fix] of Object.entries({ ...reasonFixes, ...errorFixes })) {
    const html = pages.get(`codes/${code.toLowerCase()}.html`);
    assert.ok(html, code);
    assert.ok(textOf(html).includes(fix.replaceAll('`', '')), code);
  }
});

for (const page of ['index.html', 'how-to/install.html', 'reference/reasons.html']) {
  for (const width of [1280, 390]) {
    test(`${page} fits a window of ${width} pixels and shows its pictures`, {
      skip: needsSite || needsBrowser,
    }, async () => {
      const { innerWidth, scrollWidth, clientWidth, broken, shown } = await measurePage(site, page, width);
      assert.equal(innerWidth, width);
      assert.ok(scrollWidth <= clientWidth, `the page is ${scrollWidth} pixels wide`);
      assert.deepEqual(broken, []);
      assert.ok(shown > 500, `${shown} characters are shown`);
    });
  }
}

function attributesOf(html: string, name: string): readonly string[] {
  return [...html.matchAll(new RegExp(`<[^>]*?\\s${name}="([^"]*)"`, 'g'))].map(([, value = '']) =>
    value.replaceAll('&amp;', '&'),
  );
}

function textOf(html: string): string {
  const entities: Readonly<Record<string, string>> = { quot: '"', '#39': "'", lt: '<', gt: '>', amp: '&' };
  return html
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/&(quot|#39|lt|gt|amp);/g, (_, name: string) => entities[name] ?? '');
}

/** Returns the file that a browser requests for a link, relative to the site. */
function resolvePath(page: string, target: string): string {
  if (target === '') return page;
  const path = target.startsWith('/') ? target.slice(1) : posix.join(posix.dirname(page), target);
  return path === '' || path.endsWith('/') ? `${path}index.html` : path;
}
