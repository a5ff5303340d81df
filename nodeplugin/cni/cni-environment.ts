// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { isNetnsPath, toNetnsPath } from './open-netns.ts';

const commands = ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION'] as const;

export type CNICommand = (typeof commands)[number];

/** The CNI_* variables, as far as the command has them. */
export interface CNIEnvironment {
  readonly command: CNICommand;
  /** Of the sandbox. */
  readonly containerID: string;
  /** Below `/run` or `/proc`. Empty when the runtime has none any more, or names what is no namespace of a pod. */
  readonly netns: string;
  /** CNI_NETNS as the runtime wrote it. */
  readonly sandbox: string;
  readonly ifname: string;
  /** From CNI_ARGS, as kubelet gives them. */
  readonly pod?: { readonly namespace: string; readonly name: string; readonly uid?: string };
  /** From CNI_ARGS: `MAC=52:54:00:12:34:56`. */
  readonly mac?: string;
}

type Variable = 'CNI_CONTAINERID' | 'CNI_NETNS' | 'CNI_IFNAME' | 'CNI_ARGS';

/** SPEC.md, "Parameters", of each command. A DEL must succeed without a namespace, and whatever else it was given. */
const required = {
  ADD: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME', 'CNI_ARGS'],
  DEL: ['CNI_CONTAINERID', 'CNI_IFNAME'],
  CHECK: ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME'],
  GC: [],
  STATUS: [],
  VERSION: [],
} as const satisfies Record<CNICommand, readonly Variable[]>;

const rules: Readonly<Record<Variable, readonly [expected: string, holds: (value: string) => boolean]>> = {
  // libcni's pkg/utils/utils.go
  CNI_CONTAINERID: ['letters, digits, _ . -', (value) => /^[a-zA-Z0-9][\w.-]{0,254}$/.test(value)],
  // dev_valid_name, net/core/dev.c; a % would be a pattern
  CNI_IFNAME: [
    'the name of a link',
    (value) => /^[^\s/:%\0]{1,15}$/u.test(value) && Buffer.byteLength(value) <= 15 && !/^\.\.?$/.test(value),
  ],
  CNI_NETNS: ['below /run/netns, /var/run/netns, or /proc/<pid>/ns/net', isNetnsPath],
  CNI_ARGS: ['KEY=value, with ; between them', (value) => pairs(value) !== undefined],
};

/** Reads the variables of a request, and reports all that is wrong together. Raises `CNIEnvironmentInvalid`. */
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

/** CNI_ARGS; undefined when it is not what it should be. An empty pair between two semicolons is passed over. */
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
  const text = `${faults.join('; ')}; see how the container runtime calls its CNI plugins`;
  return new MacvtapError('CNIEnvironmentInvalid', text);
}
