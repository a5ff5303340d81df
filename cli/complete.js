#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0

// What kubectl runs to complete what stands behind `kubectl macvtap`. It is JavaScript that any Node.js reads, as
// launch.js is.
process.argv.splice(2, 0, '__complete');
import('./launch.js');
