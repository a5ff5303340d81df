// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { type JoinedSignal, joinSignals } from '../../runtime/join-signals.ts';
import { add } from './add.ts';
import { check } from './check.ts';
import type { CNIContext, OwnTap } from './cni-context.ts';
import { type CNICommand, type CNIEnvironment, readCNIEnvironment } from './cni-environment.ts';
import { toCNIError } from './cni-error.ts';
import { type CNIVersion, isAtLeast } from './cni-version.ts';
import { del } from './del.ts';
import { describeRequest } from './describe-request.ts';
import type { Frame } from './frame.ts';
import { gc } from './gc.ts';
import { type NetConf, parseNetConf } from './net-conf.ts';
import { status } from './status.ts';
import { readCNIVersion, version } from './version.ts';

export type RequestFrame = Extract<Frame, { type: 'request' }>;
export type AnswerFrame = Extract<Frame, { type: 'answer' }>;

/** Far above what any of it takes, and below the patience of every runtime. */
const deadlineMs = 15_000;

/** Told of a request that was answered with an error: what it was about, why, and what of it could be read. */
export type FailedRequestListener = (
  operation: string,
  error: MacvtapError,
  environment: CNIEnvironment | undefined,
) => void;

/** Which version brought a command (SPEC.md's history). */
const since: Partial<Record<CNICommand, CNIVersion>> = { CHECK: '0.4.0', GC: '1.1.0', STATUS: '1.1.0' };

/**
 * Does what a runtime asks of the plugin. Whatever the request is, and whatever goes wrong, comes out as an answer that
 * the runtime can read; `onFailure` hears of it too.
 */
export async function handleRequest(
  { environment: variables, stdin }: Pick<RequestFrame, 'environment' | 'stdin'>,
  own: OwnTap,
  context: CNIContext,
  signal: AbortSignal,
  onFailure: FailedRequestListener = () => {},
): Promise<AnswerFrame> {
  using scope = joinSignals([signal], deadlineMs);
  let environment: CNIEnvironment | undefined;
  try {
    environment = readCNIEnvironment(variables);
    const output = await dispatch(environment, stdin, own, context, scope.signal);
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
  own: OwnTap,
  context: CNIContext,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { command } = environment;
  if (command === 'VERSION') return JSON.stringify(version(stdin));
  if (command === 'DEL') return void (await del(environment, stdin, context, signal));
  const conf = parseNetConf(stdin);
  checkAllowed(command, conf);
  if (command === 'ADD') return add(environment, conf, own, context, signal);
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

/** A scope that ended is told as such, whatever it broke. */
function explain(thrown: unknown, signal: AbortSignal, { isTimedOut }: JoinedSignal): MacvtapError {
  if (signal.aborted)
    return new MacvtapError('Aborted', 'the runtime or the node plugin ended it; it is tried again', { cause: thrown });
  if (!isTimedOut) return MacvtapError.from(thrown);
  const text = `it took more than ${deadlineMs / 1000} s; the kernel or kubelet is slow to answer: see the node's load`;
  return new MacvtapError('DeadlineExceeded', text, { cause: thrown });
}
