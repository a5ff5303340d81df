// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';

/**
 * Reads a .proto that lies beside its module. Field names stay as kubelet writes them (`available_deviceIDs` has no camel
 * case that can be turned back). A NUMA node's number fits a JavaScript number. What the wire leaves out reads as its
 * default, a message as null; fields that the .proto does not name are skipped.
 *
 * @example loadProto(new URL('./v1beta1.proto', import.meta.url))['v1beta1.Registration']
 */
export function loadProto(file: URL): PackageDefinition {
  return loadSync(fileURLToPath(file), { keepCase: true, longs: Number, defaults: true, arrays: true, objects: true });
}
