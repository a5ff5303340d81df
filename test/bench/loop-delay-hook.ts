// SPDX-License-Identifier: Apache-2.0
import { monitorEventLoopDelay } from 'node:perf_hooks';

// Measures the event loop of a program without its knowledge. Node.js loads this file with --import, before the
// program. SIGUSR2 ends a period, prints it, and begins the next one. The line of a period: loop-delay 3
// {"count":…,"p99":…,"max":…}
const histogram = monitorEventLoopDelay({ resolution: 1 });
histogram.enable();
let period = 0;
process.on('SIGUSR2', () => {
  const [p50, p99, max] = [histogram.percentile(50), histogram.percentile(99), histogram.max].map((ns) => ns / 1e6);
  process.stdout.write(`loop-delay ${period} ${JSON.stringify({ count: histogram.count, p50, p99, max })}\n`);
  period += 1;
  histogram.reset();
});
