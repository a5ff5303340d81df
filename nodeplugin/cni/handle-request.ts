// SPDX-License-Identifier: Apache-2.0

import { constants } from 'node:fs';
import { access, readFile, statfs } from 'node:fs/promises';
import type { JsonObject } from '../../policy/json.ts';
import { type JoinedSignal, joinSignals } from '../../runtime/abort-signals.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { Links } from '../links/links.ts';
import { probeMacvtap } from '../links/open-node-links.ts';
import { add } from './add.ts';
import { describeRequest, type FailedRequestListener } from './answered-request.ts';
import { check } from './check.ts';
import type { CNIContext, ShimRights } from './cni-context.ts';
import { del, gc } from './detach.ts';
import type { AnswerFrame, RequestFrame } from './shim/frame.ts';
import { type CNICommand, type CNIEnvironment, readCNIEnvironment } from './spec/cni-environment.ts';
import {
  type CNIVersion,
  cniVersions,
  isAtLeast,
  isCNIVersion,
  newestCNIVersion,
  toCNIError,
} from './spec/cni-protocol.ts';
import { decodeNetConf, type NetConf, parseNetConf, valueAt } from './spec/net-conf.ts';

/**
 * The deadline of a request. It is far longer than any command takes, and shorter than the timeout of every runtime.
 */
const deadlineMs = 15_000;

/**
 * The CNI version that introduced a command, according to the history in SPEC.md. All other commands exist in every
 * supported version.
 */
const since: Partial<Record<CNICommand, CNIVersion>> = { CHECK: '0.4.0', GC: '1.1.0', STATUS: '1.1.0' };

/**
 * Runs the command of a CNI request. Never throws: every error becomes an answer that the runtime can read. Errors are
 * also passed to `onFailure`.
 */
export async function handleRequest(
  { environment: variables, stdin }: Pick<RequestFrame, 'environment' | 'stdin'>,
  shim: ShimRights,
  context: CNIContext,
  signal: AbortSignal,
  onFailure: FailedRequestListener = () => {},
): Promise<AnswerFrame> {
  using scope = joinSignals([signal], deadlineMs);
  let environment: CNIEnvironment | undefined;
  try {
    environment = readCNIEnvironment(variables);
    const output = await dispatch(environment, stdin, shim, context, scope.signal);
    return { type: 'answer', exitCode: 0, output: output ?? '' };
  } catch (thrown) {
    const error = explain(thrown, signal, scope);
    const operation = describeRequest(variables, stdin, context);
    onFailure(operation, error, environment);
    return { type: 'answer', exitCode: 1, output: JSON.stringify(toCNIError(error, readCNIVersion(stdin), operation)) };
  }
}

async function dispatch(
  environment: CNIEnvironment,
  stdin: Uint8Array,
  shim: ShimRights,
  context: CNIContext,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { command } = environment;
  if (command === 'VERSION') return JSON.stringify(version(stdin));
  if (command === 'DEL') return void (await del(environment, stdin, context, signal));
  const conf = parseNetConf(stdin);
  checkAllowed(command, conf);
  if (command === 'ADD') return add(environment, conf, shim, context, signal);
  if (command === 'CHECK') return void (await check(environment, conf, context, signal));
  if (command === 'GC') return void (await gc(conf, stdin, context, signal));
  return void (await status(context));
}

function checkAllowed(command: CNICommand, { cniVersion }: NetConf): void {
  const first = since[command];
  if (first === undefined || isAtLeast(cniVersion, first)) return;
  throw new MacvtapError(
    'CNIVersionUnsupported',
    `${command} came with CNI ${first}, and the configuration has cniVersion ${cniVersion}: write ${first} or later`,
  );
}

/**
 * Returns the error to report. If the request was aborted or exceeded its deadline, the returned error shows that, and
 * the thrown error becomes its cause.
 */
function explain(thrown: unknown, signal: AbortSignal, { isTimedOut }: JoinedSignal): MacvtapError {
  if (signal.aborted)
    return new MacvtapError('Aborted', 'the runtime or the node plugin ended the request; kubelet tries again', {
      cause: thrown,
    });
  if (!isTimedOut) return MacvtapError.from(thrown);
  const text = `it took more than ${deadlineMs / 1000} s; the kernel or kubelet is slow to answer: check the node's load`;
  return new MacvtapError('DeadlineExceeded', text, { cause: thrown });
}

/**
 * Answers VERSION (SPEC.md, "VERSION") with the supported versions. The answer has the version of the request if that
 * is supported, else the newest version.
 */
export function version(stdin: Uint8Array): JsonObject {
  return { cniVersion: readCNIVersion(stdin), supportedVersions: cniVersions };
}

/**
 * Returns the configuration's version if it is supported, else the newest version. Never throws, so that every request
 * gets an answer.
 */
function readCNIVersion(stdin: Uint8Array): (typeof cniVersions)[number] {
  try {
    const asked = valueAt(decodeNetConf(stdin), 'cniVersion');
    return isCNIVersion(asked) ? asked : newestCNIVersion;
  } catch {
    return newestCNIVersion;
  }
}

/** Answers STATUS. Raises `CNINotReady` with all reasons why no pod can be attached now. */
export async function status({ troubles }: Pick<CNIContext, 'troubles'>): Promise<void> {
  const found = await troubles();
  if (found.length > 0) throw new MacvtapError('CNINotReady', `no pod can be attached now: ${found.join('; ')}`);
}

export interface Readiness {
  readonly links: Pick<Links, 'createMacvtap'>;
  readonly stateDirectory: string;
  /** Whether a plan has been made for this node. */
  readonly isPlanKnown: () => boolean;
  /** @example '/proc/self/mountinfo' */
  readonly mountInfo?: string;
}

/**
 * Checks the prerequisites of attachments: the kernel, the node's /dev, the ledger's file system, and a plan. Returns a
 * description of each problem.
 */
export async function findTroubles({
  links,
  stateDirectory,
  isPlanKnown,
  mountInfo = '/proc/self/mountinfo',
}: Readiness): Promise<readonly string[]> {
  const troubles = await Promise.all([
    probeMacvtap(links).then(
      (isThere) => (isThere ? undefined : 'the kernel has no macvtap; load the module macvtap'),
      (thrown) => MacvtapError.from(thrown).message,
    ),
    findDevTrouble(mountInfo),
    findStateTrouble(stateDirectory),
    isPlanKnown() ? undefined : 'the node plugin has no plan for this node yet; see its log',
  ]);
  return troubles.filter((trouble) => trouble !== undefined);
}

/** Checks that /dev is a devtmpfs, because the kernel creates device nodes only there. */
async function findDevTrouble(mountInfo: string): Promise<string | undefined> {
  const lines = (await readFile(mountInfo, 'utf8')).split('\n');
  // See proc_pid_mountinfo(5): the mount point is the fifth field, and the type follows the dash. The last mount hides
  // earlier ones on the same path.
  const dev = lines.findLast((line) => line.split(' ')[4] === '/dev');
  const type = dev?.split(' - ')[1]?.split(' ')[0];
  if (type === 'devtmpfs') return undefined;
  return `/dev is ${type === undefined ? 'not a mount' : `a ${type}`}, and taps appear only in a devtmpfs; mount the node's /dev into the container`;
}

async function findStateTrouble(directory: string): Promise<string | undefined> {
  try {
    await access(directory, constants.W_OK);
    const { bavail } = await statfs(directory);
    return bavail > 0 ? undefined : `no space is left for the ledger in ${directory}; free some`;
  } catch (thrown) {
    return `the ledger cannot be written: ${(thrown as Error).message}; let the node plugin write in ${directory}`;
  }
}
