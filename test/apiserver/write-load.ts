// SPDX-License-Identifier: Apache-2.0
import type { ControlPlane } from './control-plane.ts';

/** Writes that the webhook must review. Each of a few writers makes one write after another, until it is stopped. */
export interface WriteLoad {
  /** The number of writes that were answered so far. */
  readonly written: number;
  /** The failures so far: writes that failed, or that were admitted without a review. */
  readonly failures: readonly string[];
  /** Stops the writers after they have finished their current writes. */
  stop(): Promise<void>;
}

interface Network {
  readonly spec: { readonly config: string };
}

interface Pod {
  readonly spec: { readonly containers: readonly { readonly resources: { readonly limits?: object } }[] };
}

const writers = 4;

/**
 * Creates, changes and deletes networks of an offered resource, and creates pods without their device. Each creation
 * and change would reveal an unreachable webhook: the API server would admit it without a review, or refuse it.
 */
export function startWriteLoad(cluster: ControlPlane, namespace: string, resource: string): WriteLoad {
  const networks = `/apis/k8s.cni.cncf.io/v1/namespaces/${namespace}/network-attachment-definitions`;
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  const failures: string[] = [];
  let written = 0;
  let isOver = false;

  const write = async <Answer>(
    method: string,
    path: string,
    body?: object,
    contentType?: string,
  ): Promise<Answer | undefined> => {
    try {
      const answer = await cluster.admin.must<Answer>(method, path, { body, ...(contentType && { contentType }) });
      written += 1;
      return answer;
    } catch (thrown) {
      failures.push(String(thrown));
      return undefined;
    }
  };
  const round = async (name: string): Promise<void> => {
    const made = await write<Network>('POST', networks, {
      apiVersion: 'k8s.cni.cncf.io/v1',
      kind: 'NetworkAttachmentDefinition',
      metadata: { name, annotations: { 'k8s.v1.cni.cncf.io/resourceName': resource } },
      spec: { config: '{"type":"macvtap"}' },
    });
    if (made !== undefined && !made.spec.config.includes('"mode"'))
      failures.push(`network ${name} came back without a mode`);
    const config = { spec: { config: '{"type":"macvtap","mtu":1400}' } };
    const changed = await write<Network>('PATCH', `${networks}/${name}`, config, 'application/merge-patch+json');
    if (changed !== undefined && !changed.spec.config.includes('"mode"'))
      failures.push(`network ${name} lost its mode`);
    const pod = await write<Pod>('POST', pods, {
      metadata: { name, annotations: { 'k8s.v1.cni.cncf.io/networks': name } },
      spec: { containers: [{ name: 'compute', image: 'localhost/image' }] },
    });
    const limits = pod?.spec.containers[0]?.resources.limits ?? {};
    if (pod !== undefined && !Object.hasOwn(limits, resource)) failures.push(`pod ${name} got no device`);
    await write('DELETE', `${pods}/${name}?gracePeriodSeconds=0`);
    await write('DELETE', `${networks}/${name}`);
  };
  const run = async (writer: number): Promise<void> => {
    for (let at = 0; !isOver; at += 1) await round(`load-${writer}-${at}`);
  };
  const running = Promise.all(Array.from({ length: writers }, (_, writer) => run(writer)));
  return {
    get written() {
      return written;
    },
    failures,
    async stop() {
      isOver = true;
      await running;
    },
  };
}
