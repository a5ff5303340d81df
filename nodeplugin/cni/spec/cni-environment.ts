// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../../runtime/errors.ts';
import { isNetnsPath, toNetnsPath } from '../open-netns.ts';

const commands = ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION'] as const;

export type CNICommand = (typeof commands)[number];

/** The CNI_* environment variables of a command. */
export interface CNIEnvironment {
  readonly command: CNICommand;
  /** The ID of the sandbox. */
  readonly containerID: string;
  /**
   * The path of the pod's namespace, below `/run` or `/proc`. Empty if the runtime passes no path, or one that cannot
   * be a pod's namespace.
   */
  readonly netns: string;
  /** The unchanged value of CNI_NETNS. */
  readonly sandbox: string;
  readonly ifname: string;
  /** The pod that CNI_ARGS names (K8S_POD_NAMESPACE, K8S_POD_NAME, K8S_POD_UID). */
  readonly pod?: { readonly namespace: string; readonly name: string; readonly uid?: string };
  /** The MAC address in CNI_ARGS: `MAC=52:54:00:12:34:56`. */
  readonly mac?: string;
}

type Variable = 'CNI_CONTAINERID' | 'CNI_NETNS' | 'CNI_IFNAME' | 'CNI_ARGS';

/**
 * The variables that each command requires (SPEC.md, "Parameters"). DEL does not require a namespace, because it must
 * succeed without one.
 */
const required = {
  ADD: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_ARGS'],
  DEL: ['CNI_CONTAINERID', 'CNI_IFNAME'],
  CHECK: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'],
  GC: [],
  STATUS: [],
  VERSION: [],
} as const satisfies Record<CNICommand, readonly Variable[]>;

const rules: Readonly<Record<Variable, readonly [expected: string, holds: (value: string) => boolean]>> = {
  // The same rule is in libcni's pkg/utils/utils.go.
  CNI_CONTAINERID: ['letters, digits, _ . -', (value) => /^[a-zA-Z0-9][\w.-]{0,254}$/.test(value)],
  // The rules are those of dev_valid_name (net/core/dev.c). In addition, % is not allowed, because the kernel replaces
  // %d with a number.
  CNI_IFNAME: [
    'the name of a link',
    (value) => /^[^\s/:%\0]{1,15}$/u.test(value) && Buffer.byteLength(value) <= 15 && !/^\.\.?$/.test(value),
  ],
  CNI_NETNS: ['below /run/netns, /var/run/netns, or /proc/<pid>/ns/net', isNetnsPath],
  CNI_ARGS: ['KEY=value pairs separated by ;', (value) => pairs(value) !== undefined],
};

/** Reads the environment variables of a request. Raises `CNIEnvironmentInvalid` with all errors. */
export function readCNIEnvironment(variables: ReadonlyMap<string, string>): CNIEnvironment {
  const command = commands.find((name) => name === variables.get('CNI_COMMAND'));
  if (command === undefined)
    throw invalid([`CNI_COMMAND is ${shown(variables.get('CNI_COMMAND'))}, not one of ${commands.join(', ')}`]);
  const variable = (name: Variable) => variables.get(name) ?? '';
  const faults = required[command]
    .filter((name) => !rules[name][1](variable(name)))
    .map((name) => `${name} is ${shown(variables.get(name))}, not ${rules[name][0]}`);
  if (faults.length > 0) throw invalid(faults);
  const args = pairs(variable('CNI_ARGS')) ?? new Map<string, string>();
  const [namespace, name, mac] = [args.get('K8S_POD_NAMESPACE'), args.get('K8S_POD_NAME'), args.get('MAC')];
  const uid = args.get('K8S_POD_UID');
  return {
    command,
    containerID: variable('CNI_CONTAINERID'),
    netns: toNetnsPath(variable('CNI_NETNS')) ?? '',
    sandbox: variable('CNI_NETNS'),
    ifname: variable('CNI_IFNAME'),
    ...(namespace !== undefined && name !== undefined && { pod: { namespace, name, ...(uid && { uid }) } }),
    ...(mac !== undefined && mac !== '' && { mac }),
  };
}

/** Parses CNI_ARGS. Returns undefined if they are malformed. Empty pairs between semicolons are ignored. */
function pairs(text: string): ReadonlyMap<string, string> | undefined {
  const parts = text.split(';').filter((part) => part !== '');
  if (parts.some((part) => !/^[^=]+=/.test(part))) return undefined;
  return new Map(parts.map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]));
}

function shown(value: string | undefined): string {
  if (value === undefined || value === '') return 'missing';
  return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value);
}

function invalid(faults: readonly string[]): MacvtapError {
  const text = `${faults.join('; ')}; check how the container runtime calls its CNI plugins`;
  return new MacvtapError('CNIEnvironmentInvalid', text);
}
