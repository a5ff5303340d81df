// SPDX-License-Identifier: Apache-2.0

import { driverService } from '../../../nodeplugin/dra/driver-services.ts';
import type { ClaimRef } from '../../../nodeplugin/dra/prepare-claim.ts';
import { dialSocket } from '../../../nodeplugin/grpc-client.ts';
import { deviceClassOf, draDriver } from '../../../policy/device/dra-names.ts';
import type { ControlPlane } from '../../apiserver/control-plane.ts';
import { makeNamespace } from '../../apiserver/install.ts';

const namespace = 'claims';
const path = `/apis/resource.k8s.io/v1/namespaces/${namespace}/resourceclaims`;
const atOnce = 16;

/** Makes claims that are allocated and reserved as the scheduler does it: one pod and one device for each claim. */
export async function makeClaims(
  { admin, ...cluster }: ControlPlane,
  node: string,
  resource: string,
  count: number,
): Promise<readonly ClaimRef[]> {
  await makeNamespace({ admin, ...cluster }, namespace);
  const claims: ClaimRef[] = [];
  const make = async (index: number) => {
    const name = `claim-${index}`;
    const request = { name: 'nic', exactly: { deviceClassName: deviceClassOf(resource).name } };
    const body = { metadata: { name }, spec: { devices: { requests: [request] } } };
    const made = await admin.must<{ metadata: { uid: string } }>('POST', path, { body });
    const results = [{ request: 'nic', driver: draDriver, pool: node, device: `${resource}-${index}` }];
    const reservedFor = [{ resource: 'pods', name: `pod-${index}`, uid: `uid-${index}` }];
    const status = { allocation: { devices: { results } }, reservedFor };
    await admin.must('PUT', `${path}/${name}/status`, { body: { ...made, status } });
    claims[index] = { namespace, name, uid: made.metadata.uid };
  };
  let next = 0;
  const work = async () => {
    while (next < count) await make(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return claims;
}

/** Reads a claim from the API server. */
export async function readClaim({ admin }: Pick<ControlPlane, 'admin'>, { name }: ClaimRef): Promise<void> {
  await admin.must('GET', `${path}/${name}`);
}

/** Calls the DRA driver as kubelet does. */
export interface DriverClient extends Disposable {
  prepare(claim: ClaimRef): Promise<void>;
  unprepare(claim: ClaimRef): Promise<void>;
}

export function dialDriver(endpoint: string): DriverClient {
  const socket = dialSocket(endpoint);
  return {
    async prepare(claim) {
      const answer = await socket.call(driverService.NodePrepareResources, { claims: [claim] }, limits);
      const { devices = [], error = 'no answer' } = answer.claims[claim.uid] ?? {};
      if (error !== '' || devices.length !== 1) throw new Error(`the claim was not prepared: ${error}`);
    },
    async unprepare(claim) {
      const answer = await socket.call(driverService.NodeUnprepareResources, { claims: [claim] }, limits);
      const { error = 'no answer' } = answer.claims[claim.uid] ?? {};
      if (error !== '') throw new Error(`the claim was not unprepared: ${error}`);
    },
    [Symbol.dispose]: () => socket[Symbol.dispose](),
  };
}

const limits = { timeoutMs: 30_000 };
