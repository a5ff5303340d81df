// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { apiVersion, type RegisterRequest } from '../../nodeplugin/deviceplugin/v1beta1.ts';
import { describeFailure } from '../../nodeplugin/grpc/dial-socket.ts';
import { connectPlugin, type PluginConnection } from './plugin-connection.ts';
import { markUnhealthy, type ResourceTable } from './resource-table.ts';

/**
 * A Register as kubelet answers it: version and name checked, the endpoint dialled back before the answer, its list
 * followed from then on. The newest registration of a resource takes the calls; when any stream of the resource ends,
 * its devices are unhealthy and it is called no more, even if that stream was an older one
 * (ManagerImpl.PluginDisconnected knows the resource's name only).
 */
export async function acceptRegistration(
  request: RegisterRequest,
  directory: string,
  table: ResourceTable,
  connections: Set<PluginConnection>,
): Promise<void> {
  const { resource_name: name, endpoint, version } = request;
  if (version !== apiVersion) {
    throw new Error(
      `requested API version "${version}" is not supported by kubelet. Supported version is ["${apiVersion}"]`,
    );
  }
  if (!extendedResourceName.test(name)) throw new Error(`the ResourceName "${name}" is invalid`);
  const connection = await connectPlugin(join(directory, endpoint), dialTimeoutMs).catch((thrown: unknown) => {
    throw new Error(`failed to dial device plugin: ${describeFailure(thrown)}`);
  });
  connections.add(connection);
  const { options } = connection;
  table.update(name, ({ registrations }) => ({
    endpoint,
    options,
    connection,
    connected: true,
    registrations: registrations + 1,
  }));
  connection.follow(
    ({ devices }) => {
      if (connections.has(connection)) table.update(name, ({ messages }) => ({ devices, messages: messages + 1 }));
    },
    () => {
      connection.close();
      if (!connections.delete(connection)) return;
      table.update(name, ({ devices }) => ({ devices: markUnhealthy(devices), connected: false }));
    },
  );
}

/** domain/name, enough of IsExtendedResourceName (pkg/apis/core/v1/helper) for a stand-in. */
const extendedResourceName = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** devicemanager/plugin/v1beta1/client.go, dial. */
const dialTimeoutMs = 10_000;
