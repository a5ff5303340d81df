// SPDX-License-Identifier: Apache-2.0
import { choiceFlag } from '../../runtime/flags.ts';
import {
  defaultKubernetes,
  type KubernetesVersion,
  kubernetesVersion,
  kubernetesVersions,
  useKubernetes,
} from '../binaries/kubernetes-version.ts';
import { type MultusKind, multusKind, multusKinds, useMultus } from './multus-kind.ts';

/** The flags of commands that create clusters. Without them, the environment decides. */
export const versionFlags = {
  kubernetes: choiceFlag(kubernetesVersions, `the version of Kubernetes (default: ${defaultKubernetes})`),
  multus: choiceFlag(multusKinds, 'how Multus runs: thin, as a plugin, or thick, as a daemon (default: thin)'),
} as const;

export interface VersionFlags {
  readonly kubernetes: KubernetesVersion | undefined;
  readonly multus: MultusKind | undefined;
}

/** Makes this process, and all processes that it starts, follow the flags. Returns the choice as a text for a user. */
export function useVersions({ kubernetes, multus }: VersionFlags): string {
  if (kubernetes !== undefined) useKubernetes(kubernetes);
  if (multus !== undefined) useMultus(multus);
  return `Kubernetes ${kubernetesVersion()}, Multus ${multusKind()}`;
}
