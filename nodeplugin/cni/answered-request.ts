// SPDX-License-Identifier: Apache-2.0

import { parseDeviceID } from '../../policy/device/device-id.ts';
import type { MacvtapError } from '../../runtime/errors.ts';
import type { CNIContext } from './cni-context.ts';
import type { AnswerFrame, RequestFrame } from './shim/frame.ts';
import type { CNIEnvironment } from './spec/cni-environment.ts';
import { decodeNetConf, valueAt } from './spec/net-conf.ts';

/** An answered request with its objects, duration and outcome. */
export interface AnsweredRequest extends RequestFacts {
  readonly durationMs: number;
  /** Absent after a success. */
  readonly failure?: RequestFailure;
}

/** The error of a failed request, with its context. */
interface RequestFailure {
  /** The CNI error code in the answer. */
  readonly code: number;
  /** A description of the request. @example 'ADD of net1 for pod vms/a, network blue' */
  readonly operation: string;
  readonly error: MacvtapError;
  /** Absent if the environment variables could not be read. */
  readonly environment?: CNIEnvironment;
}

/** Called for a request that is answered with an error. `environment` is undefined if it could not be read. */
export type FailedRequestListener = (
  operation: string,
  error: MacvtapError,
  environment: CNIEnvironment | undefined,
) => void;

/**
 * Handles a request, and reports its duration and outcome to `onAnswered`. `handle` must call its `onFailure` argument
 * if the answer is an error.
 */
export async function observeRequest(
  request: Pick<RequestFrame, 'environment' | 'stdin'>,
  handle: (onFailure: FailedRequestListener) => Promise<AnswerFrame>,
  onAnswered: (request: AnsweredRequest) => void,
): Promise<AnswerFrame> {
  const startMs = performance.now();
  let failed: Omit<RequestFailure, 'code'> | undefined;
  const answer = await handle((operation, error, environment) => {
    failed = { operation, error, ...(environment && { environment }) };
  });
  const durationMs = performance.now() - startMs;
  const facts = readRequestFacts(request.environment, request.stdin);
  onAnswered({ ...facts, durationMs, ...(failed && { failure: { ...failed, code: readCode(answer) } }) });
  return answer;
}

/** Reads the error code from an answer that contains the output of `toCNIError`. */
function readCode({ output }: AnswerFrame): number {
  const { code } = JSON.parse(output) as { readonly code: number };
  return code;
}

/** The objects that a request names. A request can contain any text, so each value is shortened and made printable. */
interface RequestFacts {
  readonly command?: string;
  readonly ifname?: string;
  readonly pod?: { readonly namespace: string; readonly name: string };
  readonly network?: string;
  readonly device?: string;
}

/** Reads the names of the objects from a request, which may be malformed. */
function readRequestFacts(variables: ReadonlyMap<string, string>, stdin: Uint8Array): RequestFacts {
  const args = variables.get('CNI_ARGS') ?? '';
  const namespace = clip(/(?:^|;)K8S_POD_NAMESPACE=([^;]*)/.exec(args)?.[1]);
  const name = clip(/(?:^|;)K8S_POD_NAME=([^;]*)/.exec(args)?.[1]);
  const command = clip(variables.get('CNI_COMMAND'));
  const ifname = clip(variables.get('CNI_IFNAME'));
  return {
    ...(command !== undefined && { command }),
    ...(ifname !== undefined && { ifname }),
    ...(namespace !== undefined && name !== undefined && { pod: { namespace, name } }),
    ...readNames(stdin),
  };
}

function readNames(stdin: Uint8Array): Pick<RequestFacts, 'network' | 'device'> {
  try {
    const object = decodeNetConf(stdin);
    const text = (key: string) => {
      const value = valueAt(object, key);
      return typeof value === 'string' ? clip(value) : undefined;
    };
    const [network, device] = [text('name'), text('deviceID') ?? text('runtimeConfig.deviceID')];
    return { ...(network !== undefined && { network }), ...(device !== undefined && { device }) };
  } catch {
    return {};
  }
}

/** Makes a value safe to show in a message: printable and at most 80 characters long. */
function clip(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  const printable = text.replace(/[^\x20-\x7e]/g, '?');
  return printable.length > 80 ? `${printable.slice(0, 80)}…` : printable;
}

/**
 * Describes a request and its objects, for an error that users see in a pod's events.
 *
 * @example 'ADD of net1 for pod vms/a, network blue, device dataplaneMvp3 of resource dataplane'
 */
export function describeRequest(
  variables: ReadonlyMap<string, string>,
  stdin: Uint8Array,
  { ledger }: Pick<CNIContext, 'ledger'>,
): string {
  const { command = 'a command', ifname, pod, network, device } = readRequestFacts(variables, stdin);
  // If the device is not in the ledger, its ID still contains the resource's name.
  const resource = device && (ledger.get(device)?.resource ?? parseDeviceID(device)?.resourceName);
  return [
    command,
    ifname === undefined ? '' : ` of ${ifname}`,
    pod === undefined ? '' : ` for pod ${pod.namespace}/${pod.name}`,
    network === undefined ? '' : `, network ${network}`,
    device === undefined ? '' : `, device ${device}`,
    resource === undefined ? '' : ` of resource ${resource}`,
  ].join('');
}
