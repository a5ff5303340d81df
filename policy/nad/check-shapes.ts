// SPDX-License-Identifier: Apache-2.0

import { givenValue, isJsonObject } from '../json-object.ts';
import { quote } from '../quote.ts';
import { deny } from '../reasons.ts';
import type { NadRule } from './rule.ts';

interface Shape {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

const object: Shape = { expected: 'an object', holds: isJsonObject };

/** As long as the plugin takes a device's ID: the resource's name and a number are far shorter. */
const text: Shape = {
  expected: 'text of at most 253 characters',
  holds: (value) => typeof value === 'string' && value.length <= 253,
};

/** By place; what stands in another one's object is looked at where that is one. */
const shapes: Readonly<Record<string, Shape>> = {
  deviceID: text,
  args: object,
  'args.cni': object,
  capabilities: {
    expected: 'an object of true and false',
    holds: (value) =>
      isJsonObject(value) && Object.values(value).every((each) => each === null || typeof each === 'boolean'),
  },
  runtimeConfig: object,
  'runtimeConfig.deviceID': text,
  dns: object,
  prevResult: object,
  'prevResult.interfaces': {
    expected: 'a list of objects',
    holds: (value) => Array.isArray(value) && value.every(isJsonObject),
  },
};

/**
 * What CNI and Multus hand over beside the plugin's own keys is of the kind that they and the plugin read; another one
 * fails every pod. null stands for nothing.
 *
 * Reads deviceID, args, args.cni, capabilities, runtimeConfig, runtimeConfig.deviceID, dns, prevResult and
 * prevResult.interfaces of the plugin. Emits IllegalValue.
 * Source: containernetworking/cni pkg/types/types.go, PluginConf; nodeplugin/cni/net-conf.ts.
 */
export const checkShapes: NadRule = ({ plugins }) =>
  plugins.flatMap(({ conf, path }) =>
    Object.entries(shapes).flatMap(([place, { expected, holds }]) => {
      const value = place.split('.').reduce<unknown>(givenValue, conf);
      return value === undefined || holds(value)
        ? []
        : [deny('IllegalValue', `${path}.${place}`, `${quote(value)} instead of ${expected}`)];
    }),
  );
