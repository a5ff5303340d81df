// SPDX-License-Identifier: Apache-2.0

/**
 * The right that listing a collection needs, in the words of `kubectl auth can-i`.
 *
 * @example missingRight('/apis/apps/v1/namespaces/a/daemonsets') is 'list daemonsets.apps in the namespace a'
 */
export function missingRight(path: string): string {
  const [, core, group, , namespace, resource] =
    /^\/(?:(api)|apis\/([^/]+))\/([^/]+)(?:\/namespaces\/([^/]+))?\/([^/?]+)/.exec(path) ?? [];
  const name = core === undefined && group !== undefined ? `${resource}.${group}` : resource;
  return `list ${name} ${namespace === undefined ? 'in the whole cluster' : `in the namespace ${namespace}`}`;
}
