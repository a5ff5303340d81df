// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type KubernetesObject, readObjects } from '../apiserver/kubernetes-object.ts';
import { runGo } from '../binaries/run-go.ts';

/** The files with the CRDs of other projects. They are in the modules of kinds/go.mod. */
const files = {
  'github.com/cert-manager/cert-manager': [
    'deploy/crds/cert-manager.io_certificates.yaml',
    'deploy/crds/cert-manager.io_issuers.yaml',
  ],
  'github.com/openshift/api': ['security/v1/0000_03_security-openshift_01_scc.crd.yaml'],
  'github.com/prometheus-operator/prometheus-operator': [
    'example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml',
    'example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml',
    'example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml',
  ],
} as const;

const folder = fileURLToPath(new URL('kinds/', import.meta.url));

/**
 * Returns the CustomResourceDefinitions of cert-manager, OpenShift and the Prometheus operator, as they publish them.
 */
export async function readForeignKinds(): Promise<readonly KubernetesObject[]> {
  const answers = (await runGo('go', { folder }, 'mod', 'download', '-json')).split(/(?<=^})\n/m);
  const modules = answers.map((answer): { Path: string; Dir: string } => JSON.parse(answer));
  return Object.entries(files).flatMap(([path, names]) => {
    const module = modules.find(({ Path }) => Path === path);
    if (module === undefined) throw new Error(`${folder}go.mod pins no ${path}`);
    return names.flatMap((name) => readObjects(join(module.Dir, name)));
  });
}
