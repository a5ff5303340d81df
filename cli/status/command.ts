// SPDX-License-Identifier: Apache-2.0
import { switchFlag } from '../../runtime/flags.ts';
import { pause } from '../../runtime/pause.ts';
import { exitCode, runCommand, signalScope } from '../../runtime/run-command.ts';
import { printable, printableLines } from '../../runtime/terminal-text.ts';
import {
  lookOf,
  type OutputFormat,
  outputFlag,
  paintFor,
  render,
  stringifyYAML,
  terminalWidth,
  wrapText,
} from '../output/look.ts';
import { printLine, startProgress } from '../output/print.ts';
import { nodeFlag, requireNode, sharedFlags, viewFlags } from '../shared-flags.ts';
import { openView } from '../view/open-view.ts';
import { printUnread, type View } from '../view/view.ts';
import { buildStatus, type StatusReport, sumHeld } from './build-status.ts';
import { renderStatus } from './render-status.ts';
import { readStatusFacts, statusQueries } from './status-facts.ts';

export const statusLine = {
  command: 'kubectl macvtap status',
  summary:
    'Prints the resources of every node, the number of devices in use, their health, and the conditions of each policy.\n' +
    'Lines below the tables warn about lost conflicts, and about nodes whose report is missing or may be out of date.',
  positionals: [],
  flags: {
    watch: { ...switchFlag('keep running and print changes until interrupted'), short: 'w' },
    ...nodeFlag,
    ...outputFlag,
    ...viewFlags,
  },
  examples: [
    { purpose: 'Show all nodes and policies', command: 'kubectl macvtap status' },
    { purpose: 'Follow the changes of one node', command: 'kubectl macvtap status --node worker-1 --watch' },
  ],
  elsewhere: sharedFlags,
} as const;

export function runStatus(argv: readonly string[]): Promise<void> {
  return runCommand(
    statusLine,
    async (values) => {
      const { output, watch, node } = values;
      const ahead = watch ? [] : statusQueries(values['installation-namespace']);
      await using view = await openView(values, startProgress(process.stderr), ahead);
      if (watch) {
        printUnread(view);
        using scope = signalScope();
        await watchStatus({ output, node }, view, process.stdout, scope.signal);
        return exitCode.done;
      }
      requireNode(view, node);
      const facts = await readStatusFacts(view);
      await printLine(
        render(buildStatus(facts, node), output, (report) => renderStatus(report, lookOf(process.stdout))),
      );
      printUnread(view);
      return exitCode.done;
    },
    argv,
  );
}

/** The time in which changes are collected before they are drawn together. Changes come in bursts. */
const quietMs = 100;

interface WatchOptions {
  readonly output: OutputFormat;
  /** The only node to show. If undefined, all nodes are shown. */
  readonly node: string | undefined;
}

/**
 * Shows the status and its changes until the signal aborts or the reader closes the pipe. On a terminal, the whole
 * table is redrawn. Other streams get only its changed lines. JSON and YAML are printed completely after each change.
 */
async function watchStatus(
  { output, node }: WatchOptions,
  view: View,
  stream: NodeJS.WriteStream,
  signal: AbortSignal,
): Promise<void> {
  let changed = Promise.withResolvers<void>();
  const poke = () => changed.resolve();
  const ended = new AbortController();
  const end = AbortSignal.any([signal, ended.signal]);
  const onError = () => ended.abort();
  stream.on('error', onError);
  stream.on('resize', poke);
  end.addEventListener('abort', poke);
  try {
    // Imported on demand, like the modules of a command.
    const { followCluster, followDirectory } = await import('./follow-status.ts');
    await using feed = await (view.client === undefined
      ? followDirectory(view, poke)
      : followCluster(view.client, view.policyNamespace, poke));
    const screen: StatusScreen = openScreen(output, stream);
    while (!end.aborted) {
      changed = Promise.withResolvers();
      screen.show(buildStatus(await feed.read(), node), feed.troubles);
      await changed.promise;
      await pause(quietMs, end);
    }
  } finally {
    stream.off('error', onError);
    stream.off('resize', poke);
  }
}

/** The output for successive reports. */
interface StatusScreen {
  show(report: StatusReport, troubles: readonly string[]): void;
}

/**
 * Opens the output. For json and yaml, each change prints a document. For a table, a terminal is redrawn, and other
 * streams get the changed lines.
 */
function openScreen(output: OutputFormat, stream: NodeJS.WriteStream): StatusScreen {
  if (output !== 'table') return documentScreen(output, stream);
  return stream.isTTY ? terminalScreen(stream) : lineScreen(stream);
}

function terminalScreen(stream: NodeJS.WriteStream): StatusScreen {
  const paint = paintFor(stream);
  return {
    show(report, troubles) {
      const width = terminalWidth(stream);
      const outages = troubles.map((trouble) => {
        const line = `may be out of date: ${printable(trouble)}`;
        return paint('bad', width === undefined ? line : wrapText(line, width, '', '  '));
      });
      const lines = [...outages, renderStatus(report, { paint, width })].flatMap((text) =>
        printableLines(text).split('\n'),
      );
      const room = Math.max(2, (stream.rows || 24) - 1);
      const hidden = lines.length - room;
      const shown = hidden <= 0 ? lines : [...lines.slice(0, room - 1), `… ${hidden + 1} more lines`];
      // Overwrite the lines from the cursor's home position, because that does not flicker. Line wrap (DECAWM) is off
      // meanwhile. Otherwise, on a very narrow terminal, a wrapped line would scroll the first lines out of the screen.
      const drawn = shown.map((line) => `${line}\u001b[K\n`).join('');
      stream.write(`\u001b[?7l\u001b[H${drawn}\u001b[J\u001b[?7h`);
    },
  };
}

function documentScreen(output: 'json' | 'yaml', stream: NodeJS.WriteStream): StatusScreen {
  let before = '';
  return {
    show(report) {
      const text = output === 'json' ? JSON.stringify(report) : `---\n${stringifyYAML(report)}`;
      if (text !== before) stream.write(`${printableLines(text)}\n`);
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
        ...troubles.map((trouble) => [trouble, `may be out of date: ${trouble}`] as const),
      ]);
      const news = [...now].filter(([key, line]) => before.get(key) !== line).map(([, line]) => line);
      const gone = [...before.keys()].filter((key) => !now.has(key)).map((key) => `${key}: gone`);
      for (const line of [...news, ...gone]) stream.write(`${printable(line)}\n`);
      before = now;
    },
  };
}

/** Returns the lines of a report. Each has a key that identifies it, so that changed lines can be found. */
function linesOf({ nodes, policies = [] }: StatusReport): readonly (readonly [string, string])[] {
  return [
    ...nodes.flatMap(({ name, source, resources, doubts, troubles }) => [
      ...(resources.length === 0
        ? [[`node ${name}`, `node ${name}: no resources, source ${source ?? 'unknown'}`] as const]
        : []),
      ...resources.map((resource) => {
        const key = `node ${name}: ${resource.name}`;
        const { parent = '-', mode = '-', held, quantity, health = 'unknown', code, heldElsewhere = [] } = resource;
        const places = heldElsewhere.map((place) => `, ${place.held} still on ${place.parent} ${place.mode}`).join('');
        return [
          key,
          `${key}: ${parent} ${mode} ${held === undefined ? '?' : held - sumHeld(heldElsewhere)}/${quantity} ${health}${code === undefined ? '' : ` ${code}`}${places}`,
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
