// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ManifestsDirectory } from '../fixtures/manifests-directory.ts';
import { testSourceContract, type WrittenObject } from './source-contract.ts';

const fileOf = ({ kind, metadata: { namespace = '', name } }: WrittenObject) => `${kind}-${namespace}-${name}.json`;

testSourceContract('a directory of manifests', { faultyPolicies: 'keep their last good version' }, async () => {
  const directory = await ManifestsDirectory.make();
  return {
    apply: (object) => directory.write(fileOf(object), JSON.stringify(object)),
    remove: (object) => rm(join(directory.path, fileOf(object))),
    open: () => directory.open(),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
});
