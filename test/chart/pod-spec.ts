// SPDX-License-Identifier: Apache-2.0
import type { KubernetesObject } from '../apiserver/kubernetes-object.ts';

/** The fields of a core/v1 PodSpec that these tests use. */
export interface PodSpec {
  readonly serviceAccountName: string;
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly priorityClassName?: string;
  readonly terminationGracePeriodSeconds: number;
  readonly enableServiceLinks?: boolean;
  readonly imagePullSecrets?: readonly object[];
  readonly nodeSelector?: object;
  readonly tolerations?: readonly object[];
  readonly affinity?: { readonly podAntiAffinity?: unknown; readonly nodeAffinity?: unknown };
  readonly securityContext: {
    readonly runAsUser: number;
    readonly runAsNonRoot?: boolean;
    readonly seccompProfile: object;
    readonly seLinuxOptions?: object;
  };
  readonly containers: readonly [Container];
  readonly volumes?: readonly {
    readonly name: string;
    readonly hostPath?: { readonly path: string; readonly type?: string };
  }[];
}

export interface Container {
  readonly image: string;
  readonly imagePullPolicy: string;
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: object }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number; readonly hostPort?: number }[];
  readonly volumeMounts?: readonly Mount[];
  readonly resources: object;
  readonly terminationMessagePath?: string;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly securityContext: {
    readonly privileged: boolean;
    readonly allowPrivilegeEscalation: boolean;
    readonly readOnlyRootFilesystem: boolean;
    readonly capabilities: { readonly drop: readonly string[]; readonly add?: readonly string[] };
  };
}

interface Mount {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly?: boolean;
  readonly mountPropagation?: string;
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string | number; readonly host?: string };
}

/** Returns the pod template of a Deployment or DaemonSet. */
export function podTemplateOf(object: KubernetesObject) {
  const { template } = object.spec as {
    readonly template: { readonly metadata: { readonly labels: Labels; readonly annotations?: Labels }; spec: PodSpec };
  };
  return template;
}

export type Labels = Readonly<Record<string, string>>;
