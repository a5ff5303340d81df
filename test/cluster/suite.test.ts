// SPDX-License-Identifier: Apache-2.0
// Tests that use the seed's hosts and the chart's usual values. They share one cluster. Each starts without a policy.
import { cliTests } from './cli-tests.ts';
import { disruptionTests } from './disruption-tests.ts';
import { machineTests } from './machine-tests.ts';
import { macvtapClusterOfFile } from './macvtap-cluster-of-file.ts';
import { statefulSetTests } from './stateful-set-tests.ts';
import { statusTests } from './status-tests.ts';
import { trafficTests } from './traffic-tests.ts';

const cluster = await macvtapClusterOfFile();

statusTests(cluster);
cliTests(cluster);
statefulSetTests(cluster);
machineTests(cluster);
trafficTests(cluster);
// Last: a node reboots.
disruptionTests(cluster);
