// SPDX-License-Identifier: Apache-2.0
import { type PodsUnderContract, testPodResourcesContract } from './pod-resources-contract.ts';
import { startStandIn } from './stand-in.ts';

testPodResourcesContract('the stand-in for kubelet', async (): Promise<PodsUnderContract> => {
  const { kubelet, underContract } = await startStandIn();
  return {
    ...underContract,
    podResourcesSocket: kubelet.podResourcesSocket ?? '',
    run: async (resourceName, count) => {
      const allocation = await kubelet.allocate(resourceName, count);
      return { holder: allocation.holder, end: async () => kubelet.release(allocation) };
    },
  };
});
