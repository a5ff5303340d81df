// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { fillInAnnotations } from './artifact-hub.ts';
import { root } from './source-files.ts';

// Part of `npm run generate`: writes changes and images into the annotations of the chart.
const path = `${root}charts/kube-macvtap/Chart.yaml`;
writeFileSync(path, fillInAnnotations(readFileSync(path, 'utf8'), readFileSync(`${root}CHANGELOG.md`, 'utf8')));
