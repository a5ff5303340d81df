// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { apiVersion, type RegisterRequest } from '../../nodeplugin/deviceplugin/v1beta1.ts';
import { describeFailure } from '../../nodeplugin/grpc-client.ts';
import { connectPlugin, type PluginConnection } from './plugin-connection.ts';
import { markUnhealthy, type ResourceTable } from './resource-table.ts';

/**
 * Answers a Register as kubelet does. It checks the version and the name, dials the endpoint before it answers, and
 * then follows the endpoint's list. Calls go to the newest registration of a resource. The stand-in is as strict as the
 * strictest version of kubelet (ManagerImpl in devicemanager/manager.go):
 *
 * - When any stream of the resource ends, even an older one, its devices become unhealthy and it gets no more calls, as
 *   in 1.34. There, PluginDisconnected knows only the resource's name.
 * - A second registration with a socket whose stream is still open is refused, as in PluginConnected of 1.37.
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
  const { options } = connection;
  const current = table.rows.get(name);
  if (current?.connected && current.endpoint === endpoint) {
    connection.close();
    throw new Error(`device plugin already connected: ${join(directory, endpoint)}`);
  }
  connections.add(connection);
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

/** Matches domain/name. This covers enough of IsExtendedResourceName (pkg/apis/core/v1/helper) for a stand-in. */
const extendedResourceName = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?\/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** Source: dial in devicemanager/plugin/v1beta1/client.go. */
const dialTimeoutMs = 10_000;
