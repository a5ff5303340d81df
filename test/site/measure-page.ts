// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { promisify } from 'node:util';

/** A page as a browser shows it. Widths are in CSS pixels. */
export interface MeasuredPage {
  /** The width of the frame, with its scroll bar. */
  readonly innerWidth: number;
  readonly scrollWidth: number;
  readonly clientWidth: number;
  /** The addresses of pictures that are not shown. */
  readonly broken: readonly string[];
  /** The number of characters that are shown. */
  readonly shown: number;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.woff2': 'font/woff2',
};

const run = promisify(execFile);
const guardMs = 120_000;

/** Shows a page of the site in a headless browser. A frame gives it any width: the browser's window has a minimum. */
export async function measurePage(site: string, page: string, width: number): Promise<MeasuredPage> {
  const frame = `<!doctype html><meta charset="utf-8"><body style="margin:0"><pre id="result"></pre>
<iframe id="page" src="/${page}" style="border:0;width:${width}px;height:900px"></iframe><script>(${measureInFrame})()</script>`;
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-site-'));
  await using server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname));
    const content = path === '/frame' ? frame : await readFile(join(site, path)).catch(() => undefined);
    const type = path === '/frame' ? 'text/html' : (types[extname(path)] ?? 'application/octet-stream');
    response.writeHead(content === undefined ? 404 : 200, { 'content-type': type }).end(content);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { stdout } = await run(
    'chromium',
    [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--window-size=1400,1000'],
      ...[`--user-data-dir=${join(folder.path, 'profile')}`, '--virtual-time-budget=20000', '--dump-dom'],
      `http://127.0.0.1:${port}/frame`,
    ],
    { timeout: guardMs, maxBuffer: 64 * 1024 * 1024, env: { ...process.env, HOME: folder.path } },
  );
  const json = /<pre id="result">(.+?)<\/pre>/s.exec(stdout)?.[1];
  if (json === undefined) throw new Error(`the page measured nothing:\n${stdout.slice(0, 2_000)}`);
  return JSON.parse(decodeURIComponent(json)) as MeasuredPage;
}

/**
 * A function as text, because it runs in the browser. It cannot use anything else in this file. The browser's virtual
 * time passes only while nothing is loading.
 */
const measureInFrame = `function () {
  const frame = document.querySelector('#page');
  frame.onload = () => setTimeout(() => {
    const { documentElement, images, body } = frame.contentDocument;
    const { scrollWidth, clientWidth } = documentElement;
    const broken = [...images].filter(({ complete, naturalWidth }) => !complete || naturalWidth === 0).map(({ src }) => src);
    const { innerWidth } = frame.contentWindow;
    const result = { innerWidth, scrollWidth, clientWidth, broken, shown: body.innerText.length };
    document.querySelector('#result').textContent = encodeURIComponent(JSON.stringify(result));
  }, 2000);
}`;
