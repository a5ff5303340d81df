// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Admission, Admit, AdmittedObject } from './admission.ts';
import type { Progress } from './progress.ts';

const networkBefore = network('dataplane', {}, '{"type": "macvtap", "mtu": 1400}');
const typo = network(
  'mistyped',
  { 'k8s.v1.cni.cncf.io/resourceName': 'macvtap.network.kubevirt.io/dataplnae' },
  '{"type": "macvtap"}',
);
const podBefore = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'vm', namespace: 'default', annotations: { 'k8s.v1.cni.cncf.io/networks': 'dataplane' } },
  spec: { containers: [{ name: 'compute', image: 'localhost/vm' }] },
};

/**
 * Shows how a network and a pod are completed, and how a mistyped network is refused. Rejects if a result differs from
 * what the demo promises.
 */
export async function showAdmission(admit: Admit, manifests: string, progress: Progress): Promise<void> {
  const nad = await progress.step(
    'a network was created without a mode and without the name of its resource',
    async () => admitted(await admit(networkBefore)),
  );
  progress.show(`${brief(networkBefore)}\n\nand stored as\n\n${brief(nad)}`);
  // Stores the network as the API server would, so that pods find it.
  await writeFile(join(manifests, 'network.yaml'), stringify(nad));

  const refusal = await progress.step('a network with a mistyped resource was refused', async () =>
    denied(await admit(typo)),
  );
  progress.show(refusal);

  const pod = await progress.step('a pod that names the network got its device', async () =>
    admitted(await admit(podBefore)),
  );
  progress.show(brief(pod));
}

function network(name: string, annotations: Readonly<Record<string, string>>, config: string) {
  return {
    apiVersion: 'k8s.cni.cncf.io/v1',
    kind: 'NetworkAttachmentDefinition',
    metadata: { name, namespace: 'default', ...(Object.keys(annotations).length > 0 && { annotations }) },
    spec: { config },
  };
}

/** Returns the parts that matter to a reader: metadata and spec. */
function brief(object: AdmittedObject): string {
  const { metadata, spec } = object as AdmittedObject & { readonly spec: unknown };
  return stringify({ metadata, spec }, { lineWidth: 0 }).trimEnd();
}

function admitted(admission: Admission): AdmittedObject {
  if ('denial' in admission) throw new Error(`refused, but must be admitted: ${admission.denial}`);
  return admission.object;
}

function denied(admission: Admission): string {
  if ('object' in admission) throw new Error('admitted, but must be refused');
  return admission.denial;
}
