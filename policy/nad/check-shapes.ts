// SPDX-License-Identifier: Apache-2.0
import { givenValue, isJsonObject, quote } from '../json.ts';
import { deny } from '../reasons.ts';
import type { NadRule } from './read-nad.ts';

interface Shape {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

const object: Shape = { expected: 'an object', holds: isJsonObject };

/**
 * Text that is short enough for the plugin, which accepts device IDs of at most 253 characters. Real device IDs are far
 * shorter.
 */
const text: Shape = {
  expected: 'text of at most 253 characters',
  holds: (value) => typeof value === 'string' && value.length <= 253,
};

/** The shapes by path. A nested path is checked only if every value around it is an object. */
const shapes: Readonly<Record<string, Shape>> = {
  deviceID: text,
  args: object,
  'args.cni': object,
  ipam: object,
  capabilities: {
    expected: 'an object of true and false',
    holds: (value) =>
      isJsonObject(value) && Object.values(value).every((each) => each === null || typeof each === 'boolean'),
  },
  runtimeConfig: object,
  'runtimeConfig.deviceID': text,
  'runtimeConfig.ips': { expected: 'a list', holds: Array.isArray },
  dns: object,
  prevResult: object,
  'prevResult.interfaces': {
    expected: 'a list of objects',
    holds: (value) => Array.isArray(value) && value.every(isJsonObject),
  },
};

const checks = Object.entries(shapes).map(([place, shape]) => ({ place, keys: place.split('.'), ...shape }));

/**
 * Checks the types of the values of keys that CNI and Multus define. If a reader expects another type, every pod of the
 * network fails. null is treated as absent.
 *
 * Reads deviceID, args, args.cni, ipam, capabilities, runtimeConfig, runtimeConfig.deviceID, runtimeConfig.ips, dns,
 * prevResult and prevResult.interfaces of the plugin. Emits IllegalValue.
 * Source: containernetworking/cni pkg/types/types.go, PluginConf; nodeplugin/cni/spec/net-conf.ts.
 */
export const checkShapes: NadRule = ({ plugins }) =>
  plugins.flatMap(({ conf, path }) =>
    checks.flatMap(({ place, keys, expected, holds }) => {
      const value = keys.reduce<unknown>(givenValue, conf);
      return value === undefined || holds(value)
        ? []
        : [deny('IllegalValue', `${path}.${place}`, `${quote(value)} instead of ${expected}`)];
    }),
  );
