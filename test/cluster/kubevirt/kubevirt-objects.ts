// SPDX-License-Identifier: Apache-2.0
import type { KubeVirtImages } from '../../images/kubevirt/ensure-kubevirt.ts';

export const kubeVirtNamespace = 'kubevirt';

/** The programs that can add a macvtap resource to the pod of a virtual machine. */
export const injectors = ['webhook', 'kubevirt'] as const;
export type Injector = (typeof injectors)[number];

/**
 * With this feature gate, KubeVirt reads no NetworkAttachmentDefinitions, and so adds no resources to launcher pods.
 * KubeVirt 1.9 enables it by default.
 */
const externalInjection = 'ExternalNetResourceInjection';

/**
 * A binding like the one in the quick start, except that KubeVirt sets the guest's link down and up after a migration.
 */
export const linkRefreshBinding = 'macvtap-refresh';

const binding = {
  [linkRefreshBinding]: { domainAttachmentType: 'tap', migration: { method: 'link-refresh' } },
} as const;

export const namespaceObject = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: {
    name: kubeVirtNamespace,
    labels: { 'kubevirt.io': '', 'pod-security.kubernetes.io/enforce': 'privileged' },
  },
} as const;

/**
 * Selects nodes that have NICs for macvtaps. By default, KubeVirt places its controllers on nodes of the control plane,
 * and a test cluster has none.
 */
const placement = { nodeSelector: { macvtapAware: 'true' } } as const;

/** Returns the KubeVirt object: emulation, one pod of each controller, and images that nodes already have. */
export function kubeVirtObject(injector: Injector): object {
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'KubeVirt',
    metadata: { name: 'kubevirt', namespace: kubeVirtNamespace },
    spec: {
      imagePullPolicy: 'IfNotPresent',
      infra: { replicas: 1, nodePlacement: placement },
      workloads: { nodePlacement: placement },
      configuration: { imagePullPolicy: 'IfNotPresent', network: { binding }, ...injection(injector) },
      customizeComponents: {
        patches: [
          asksSoon('Deployment', 'virt-api'),
          asksSoon('Deployment', 'virt-controller'),
          asksSoon('DaemonSet', 'virt-handler'),
        ],
      },
    },
  };
}

/**
 * Returns a patch that makes readiness probes start early. The operator deploys one component after another, and by
 * default each one is probed only after 15 s.
 */
function asksSoon(resourceType: string, resourceName: string): object {
  const containers = [{ name: resourceName, readinessProbe: { initialDelaySeconds: 1, periodSeconds: 2 } }];
  const patch = JSON.stringify({ spec: { template: { spec: { containers } } } });
  return { resourceType, resourceName, type: 'strategic', patch };
}

/** Returns the part of the configuration that decides which program adds resources. */
export function injection(injector: Injector) {
  const featureGates = injector === 'webhook' ? [externalInjection] : [];
  return { developerConfiguration: { useEmulation: true, featureGates } };
}

/**
 * Returns the operator as KubeVirt's release deploys it, but with two images instead of one for each component.
 * `controllers` is the image of the controllers, and `parts` that of all other components.
 */
export function operatorObject({ parts, controllers, version }: KubeVirtImages): object {
  const labels = { 'kubevirt.io': 'virt-operator' };
  const image = (name: string, part: string) => ({ name: `${name}_IMAGE`, value: part });
  const ofControllers = ['VIRT_OPERATOR', 'VIRT_API', 'VIRT_CONTROLLER', 'VIRT_EXPORTPROXY'];
  const ofNodes = ['VIRT_HANDLER', 'VIRT_LAUNCHER', 'VIRT_EXPORTSERVER', 'VIRT_SYNCHRONIZATIONCONTROLLER'];
  const unused = ['GS', 'PR_HELPER', 'SIDECAR_SHIM'];
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'virt-operator', namespace: kubeVirtNamespace, labels },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels: { ...labels, name: 'virt-operator', 'prometheus.kubevirt.io': 'true' } },
        spec: {
          ...placement,
          priorityClassName: 'kubevirt-cluster-critical',
          serviceAccountName: 'kubevirt-operator',
          securityContext: { runAsNonRoot: true, runAsUser: 1001 },
          containers: [
            {
              name: 'virt-operator',
              image: controllers.name,
              imagePullPolicy: 'IfNotPresent',
              command: ['virt-operator', '--port', '8443', '-v', '2'],
              ports: [
                { name: 'metrics', containerPort: 8443 },
                { name: 'webhooks', containerPort: 8444 },
              ],
              readinessProbe: { httpGet: { scheme: 'HTTPS', port: 8443, path: '/metrics' }, timeoutSeconds: 10 },
              env: [
                { name: 'KUBEVIRT_VERSION', value: version },
                ...ofControllers.map((name) => image(name, controllers.name)),
                ...[...ofNodes, ...unused].map((name) => image(name, parts.name)),
              ],
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
              volumeMounts: [
                { name: 'certificates', mountPath: '/etc/virt-operator/certificates', readOnly: true },
                { name: 'profile-data', mountPath: '/profile-data' },
              ],
            },
          ],
          volumes: [
            { name: 'certificates', secret: { secretName: 'kubevirt-operator-certs', optional: true } },
            { name: 'profile-data', emptyDir: {} },
          ],
        },
      },
    },
  };
}
