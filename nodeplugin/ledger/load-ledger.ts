// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { MacvtapError } from '../../runtime/errors.ts';
import { adoptLedger } from './adopt-ledger.ts';
import { type DecodedLedger, decodeLedger, type LedgerFault } from './decode-ledger.ts';
import { emptyLedger, formatVersion, type LedgerContent } from './ledger-content.ts';
import { ledgerUnavailable } from './ledger-unavailable.ts';

export interface LoadedLedger {
  readonly content: LedgerContent;
  /** The file must be set aside before it is replaced. */
  readonly isBroken: boolean;
  /** What a person should know of it: LedgerBroken, LedgerNewer, LedgerOfOtherNode. */
  readonly warnings: readonly MacvtapError[];
}

/** Reads the file, which may be absent. Raises LedgerUnavailable where it is there and cannot be opened or read. */
export async function loadLedger(path: string, node: string): Promise<LoadedLedger> {
  const bytes = await readIfThere(path);
  if (bytes === undefined) return { content: emptyLedger(node), isBroken: false, warnings: [] };
  const decoded = decodeLedger(bytes, node);
  return {
    content: adoptLedger(decoded.content, node),
    isBroken: decoded.faults.length > 0,
    warnings: warningsOf(path, decoded, node),
  };
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    // To start without it would be to forget which links pods have in use.
    const nextStep = 'make it readable, or move it away to start without it';
    throw ledgerUnavailable(`cannot read the ledger ${path}`, thrown, nextStep);
  }
}

function warningsOf(path: string, { content, faults }: DecodedLedger, node: string): readonly MacvtapError[] {
  const { version, devices, unread } = content;
  const warnings: MacvtapError[] = [];
  if (faults.length > 0) {
    const message =
      `the ledger ${path} is broken: ${describe(faults)}; going on with the ${devices.size} devices that could be read; ` +
      `the file as it was gets the highest number of ${path}.broken-<n>`;
    warnings.push(new MacvtapError('LedgerBroken', message, { facts: { path, faults: faults.length } }));
  }
  if (version > formatVersion) {
    const message =
      `a newer version of this program wrote the ledger ${path} (format ${version}, this one writes ${formatVersion}): ` +
      `${devices.size} devices are understood, ${unread.size} are kept unread; go back to the newer version when you can`;
    warnings.push(new MacvtapError('LedgerNewer', message, { facts: { path, version, unread: unread.size } }));
  }
  if (content.node !== node) {
    const message =
      `the ledger ${path} was written for node ${content.node}, and this is ${node}; going on with its ${devices.size} devices: ` +
      'unless the node was renamed, give each node a state directory of its own';
    warnings.push(new MacvtapError('LedgerOfOtherNode', message, { facts: { path, node: content.node } }));
  }
  return warnings;
}

/** The first few; the file has the rest. */
function describe(faults: readonly LedgerFault[]): string {
  const shown = faults.slice(0, 3).map(({ path, detail }) => `${path || 'it'} ${detail}`);
  return [...shown, ...(faults.length > shown.length ? [`${faults.length - shown.length} more`] : [])].join(', ');
}
