#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0

// kubectl runs this program to complete words after `kubectl macvtap`. Like launch.js, it is JavaScript that runs on
// Node.js 18 and newer.
process.argv.splice(2, 0, '__complete');
import('./launch.js');
