// SPDX-License-Identifier: Apache-2.0
import { stringify } from 'yaml';
import { printable } from '../../runtime/text-table.ts';
import type { OutputFormat } from '../output/output-flag.ts';
import { paintFor } from '../output/paint.ts';
import { terminalWidth } from '../output/terminal-width.ts';
import { wrapText } from '../output/wrap-text.ts';
import { renderStatus } from './render-status.ts';
import type { StatusReport } from './status-report.ts';

/** Where a status is shown again and again. */
export interface StatusScreen {
  show(report: StatusReport, troubles: readonly string[]): void;
}

/** A terminal is drawn anew; a script gets a document for each change; who reads lines gets those that are new. */
export function openScreen(output: OutputFormat, stream: NodeJS.WriteStream): StatusScreen {
  if (output !== 'table') return documentScreen(output, stream);
  return stream.isTTY ? terminalScreen(stream) : lineScreen(stream);
}

function terminalScreen(stream: NodeJS.WriteStream): StatusScreen {
  const paint = paintFor(stream);
  return {
    show(report, troubles) {
      const width = terminalWidth(stream);
      const told = troubles.map((trouble) => {
        const line = `not the newest: ${printable(trouble)}`;
        return paint('bad', width === undefined ? line : wrapText(line, width, '', '  '));
      });
      const lines = [...told, renderStatus(report, { paint, width })].flatMap((text) => text.split('\n'));
      const room = Math.max(2, (stream.rows || 24) - 1);
      const hidden = lines.length - room;
      const shown = hidden <= 0 ? lines : [...lines.slice(0, room - 1), `… ${hidden + 1} lines more`];
      // The cursor home, every line to its end, then all below: no flicker. Meanwhile what is too wide for a very narrow
      // terminal ends at its edge (DECAWM off): a line that went on below would push the first ones out.
      const drawn = shown.map((line) => `${line}\u001b[K\n`).join('');
      stream.write(`\u001b[?7l\u001b[H${drawn}\u001b[J\u001b[?7h`);
    },
  };
}

function documentScreen(output: 'json' | 'yaml', stream: NodeJS.WriteStream): StatusScreen {
  let before = '';
  return {
    show(report) {
      const text =
        output === 'json'
          ? JSON.stringify(report)
          : `---\n${stringify(report, { aliasDuplicateObjects: false }).trimEnd()}`;
      if (text !== before) stream.write(`${text}\n`);
      before = text;
    },
  };
}

function lineScreen(stream: NodeJS.WriteStream): StatusScreen {
  let before: ReadonlyMap<string, string> = new Map();
  return {
    show(report, troubles) {
      const now = new Map([
        ...linesOf(report),
        ...troubles.map((trouble) => [trouble, `not the newest: ${trouble}`] as const),
      ]);
      const news = [...now].filter(([key, line]) => before.get(key) !== line).map(([, line]) => line);
      const gone = [...before.keys()].filter((key) => !now.has(key)).map((key) => `${key}: gone`);
      for (const line of [...news, ...gone]) stream.write(`${printable(line)}\n`);
      before = now;
    },
  };
}

/** What is told, each under what it is about. */
function linesOf({ nodes, policies = [] }: StatusReport): readonly (readonly [string, string])[] {
  return [
    ...nodes.flatMap(({ name, source, resources, doubts, troubles }) => [
      ...(resources.length === 0
        ? [[`node ${name}`, `node ${name}: no resources, source ${source ?? 'unknown'}`] as const]
        : []),
      ...resources.map((resource) => {
        const key = `node ${name}: ${resource.name}`;
        const {
          parent = '-',
          mode = '-',
          held = '?',
          quantity,
          health = 'unknown',
          code,
          heldElsewhere = [],
        } = resource;
        const places = heldElsewhere.map((place) => `, ${place.held} still on ${place.parent} ${place.mode}`).join('');
        return [
          key,
          `${key}: ${parent} ${mode} ${held}/${quantity} ${health}${code === undefined ? '' : ` ${code}`}${places}`,
        ] as const;
      }),
      ...troubles.map(({ code, message }) => [`node ${name}: ${code}`, `node ${name}: ${code}: ${message}`] as const),
      ...doubts.map((doubt) => [`node ${name}: ${doubt}`, `node ${name}: ${doubt}`] as const),
    ]),
    ...policies.flatMap(({ name, conditions }) =>
      conditions.map(({ type, status, reason }) => {
        const key = `policy ${name}: ${type}`;
        return [key, `${key} ${status} ${reason}`] as const;
      }),
    ),
  ];
}
