#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0

// kubectl runs this program to complete the words after `kubectl macvtap`. Like launch.js, it is JavaScript that runs
// on any Node.js since 18.
process.argv.splice(2, 0, '__complete');
import('./launch.js');
