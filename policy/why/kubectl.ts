// SPDX-License-Identifier: Apache-2.0

/** A line for a shell: arguments that need it are quoted. */
export function kubectl(...args: readonly string[]): string {
  return ['kubectl', ...args.map(quoteForShell)].join(' ');
}

/** Between single quotes a POSIX shell takes everything as it is, but for the quote itself. */
export function quoteForShell(text: string): string {
  return /^[\w./:=,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** `kubectl patch` of one entry of a policy: `patchEntry('macvtap-cni/p', 0, { parentIface: 'eth1' })`. */
export function patchEntry(policy: string, entry: number, fields: Readonly<Record<string, unknown>>): string {
  const edits = Object.entries(fields).map(([field, value]) => ({
    op: 'add',
    path: `/spec/parentSelector/${entry}/${field}`,
    value,
  }));
  return kubectl('patch', 'mvnnp', ...placeOf(policy), '--type=json', '-p', JSON.stringify(edits));
}

/** `kubectl patch` of a policy's spec. */
export function patchPolicy(policy: string, spec: Readonly<Record<string, unknown>>): string {
  return kubectl('patch', 'mvnnp', ...placeOf(policy), '--type=merge', '-p', JSON.stringify({ spec }));
}

/** `kubectl edit`, where only a person knows what is meant. */
export function editPolicy(policy: string): string {
  return kubectl('edit', 'mvnnp', ...placeOf(policy));
}

/** `kubectl delete pod` of a pod by its `namespace/name`. */
export function deletePod(pod: string): string {
  return kubectl('delete', 'pod', ...placeOf(pod));
}

/** `net -n default`, as arguments. */
export function placeOf(key: string): readonly [string, string, string] {
  const at = key.indexOf('/');
  return [key.slice(at + 1), '-n', key.slice(0, at)];
}
