// SPDX-License-Identifier: Apache-2.0
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

/** A text as a browser shows it. Sizes are in pixels of the picture's own size. */
export interface ShownText {
  readonly text: string;
  readonly size: number;
  /** How far the text exceeds its box, on the side where it exceeds it most. */
  readonly overflow: number;
  /** The contrast with the background (WCAG 2.1, 1.4.3). */
  readonly contrast: number;
}

export interface Measured {
  readonly texts: readonly ShownText[];
  /** Pairs of texts that overlap. */
  readonly overlaps: readonly (readonly [string, string])[];
  /** Active elements: scripts, links, handlers, foreign content. */
  readonly active: readonly string[];
  /**
   * The number of colors when the picture is loaded as a separate image; 0 if the browser does not show it. A browser
   * shows only well-formed pictures in this way.
   */
  readonly colours: number;
  readonly pageTitle: string;
}

/** The `skip` option of a test: false, or what is missing. */
export const needsBrowser =
  spawnSync('chromium', ['--version']).status === 0
    ? false
    : 'needs a browser: apt-get install chromium fonts-dejavu-core';

const run = promisify(execFile);
const guardMs = 60_000;

/** Shows a picture in a headless browser, and measures what is visible. */
export async function measurePicture(svg: string): Promise<Measured> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-picture-'));
  const inlined = svg.slice(svg.indexOf('<svg'));
  const page = join(folder.path, 'page.html');
  await writeFile(
    page,
    `<!doctype html><meta charset="utf-8"><title>untouched</title><body style="margin:0">${inlined}` +
      `<pre id="result"></pre><script>(${measureInPage})(${JSON.stringify(encodeURIComponent(svg))})</script>`,
  );
  // The browser also writes below HOME. HOME is in the folder, and is removed with it.
  const { stdout } = await run(
    'chromium',
    [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      `--user-data-dir=${join(folder.path, 'profile')}`,
      '--virtual-time-budget=10000',
      '--dump-dom',
      pathToFileURL(page).href,
    ],
    { timeout: guardMs, maxBuffer: 64 * 1024 * 1024, env: { ...process.env, HOME: folder.path } },
  );
  const json = /<pre id="result">(.*?)<\/pre>/s.exec(stdout)?.[1] ?? '';
  if (json === '') throw new Error(`the page measured nothing:\n${stdout.slice(0, 2_000)}`);
  return JSON.parse(decodeURIComponent(json)) as Measured;
}

/** A function as text, because it runs in the browser's page. It cannot use anything else in this file. */
const measureInPage = `function (picture) {
  const luminance = (colour) => {
    const [r, g, b] = colour.match(/\\d+/g).map((part) => part / 255)
      .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const svg = document.querySelector('svg');
  const shown = [...svg.querySelectorAll('text')].map((text) => {
    const own = text.getBoundingClientRect();
    const frame = text.closest('g.box').querySelector('rect');
    const box = frame.getBoundingClientRect();
    return {
      text: text.firstChild.data,
      rect: { left: own.left, right: own.right, top: own.top, bottom: own.bottom },
      size: Number.parseFloat(getComputedStyle(text).fontSize),
      overflow: Math.max(box.left - own.left, own.right - box.right, box.top - own.top, own.bottom - box.bottom),
      contrast: contrast(getComputedStyle(text).fill, getComputedStyle(frame).fill),
    };
  });
  const overlaps = [];
  shown.forEach((one, index) => {
    for (const other of shown.slice(index + 1)) {
      const [a, b] = [one.rect, other.rect];
      const isApart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top + 1 || b.bottom <= a.top + 1;
      if (!isApart) overlaps.push([one.text, other.text]);
    }
  });
  const active = [...svg.querySelectorAll('*')]
    .filter((element) => !['svg', 'g', 'rect', 'text', 'title', 'path'].includes(element.localName) ||
      [...element.attributes].some(({ name }) => /^on|href|style/.test(name)))
    .map((element) => element.outerHTML.slice(0, 80));
  const image = new Image();
  const report = (colours) => {
    const result = { texts: shown, overlaps, active, colours, pageTitle: document.title };
    document.querySelector('#result').textContent = encodeURIComponent(JSON.stringify(result));
  };
  image.onerror = () => report(0);
  image.onload = () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 600, height: 600 });
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, 600, 600);
    const colours = new Set();
    for (let at = 0; at < data.length; at += 4) colours.add(data[at] << 16 | data[at + 1] << 8 | data[at + 2]);
    report(colours.size);
  };
  image.src = 'data:image/svg+xml;charset=utf-8,' + picture;
}`;
