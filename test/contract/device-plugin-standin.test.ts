// SPDX-License-Identifier: Apache-2.0
import { testDevicePluginContract } from './device-plugin-contract.ts';
import { startStandIn } from './stand-in.ts';

testDevicePluginContract('the stand-in for kubelet', async () => (await startStandIn()).underContract);
