// SPDX-License-Identifier: Apache-2.0
// Sends router advertisements on a link of its network namespace until it is killed, as radvd would:
// node advertise-router.ts p0-peer
import { readFileSync } from 'node:fs';
import { setInterval } from 'node:timers';
import { captureFrames } from '../../kernel/cni-capture.ts';
import { routerAdvertisement } from '../../kernel/router-advertisement.ts';

const [link = ''] = process.argv.slice(2);
const wire = captureFrames(Number(readFileSync(`/sys/class/net/${link}/ifindex`, 'utf8')));
setInterval(() => wire.send(routerAdvertisement('02:00:00:00:00:bb')), 500);
