// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type handleUnaryCall, Server, ServerCredentials } from '@grpc/grpc-js';
import type {
  NodePrepareResourcesRequest,
  NodePrepareResourcesResponse,
  NodeUnprepareResourcesRequest,
  NodeUnprepareResourcesResponse,
} from '../../nodeplugin/dra/dra-v1.pb.ts';
import {
  driverService,
  pluginRegistrationService,
  pluginType,
  supportedService,
} from '../../nodeplugin/dra/driver-services.ts';
import type { PluginInfo, RegistrationStatus } from '../../nodeplugin/dra/pluginregistration.pb.ts';
import { draDriver } from '../../policy/device/dra-names.ts';
import { nodeFolder } from './layout.ts';

/** A program that has the name of the project's DRA driver, and refuses to prepare claims. */
export interface SecondDriver extends AsyncDisposable {
  /** Resolves when kubelet has registered the program. */
  readonly registered: Promise<void>;
  /** The UIDs of the claims that kubelet has ended with this program. */
  readonly unprepared: readonly string[];
}

/** Starts such a program on a node, until disposed. */
export async function startSecondDriver(node: string): Promise<SecondDriver> {
  const registered = Promise.withResolvers<void>();
  const unprepared: string[] = [];
  const prepare: handleUnaryCall<NodePrepareResourcesRequest, NodePrepareResourcesResponse> = ({ request }, answer) => {
    const refused = { devices: [], error: 'this program has no devices' };
    answer(null, { claims: Object.fromEntries(request.claims.map(({ uid }) => [uid, refused])) });
  };
  const unprepare: handleUnaryCall<NodeUnprepareResourcesRequest, NodeUnprepareResourcesResponse> = (
    { request },
    answer,
  ) => {
    unprepared.push(...request.claims.map(({ uid }) => uid));
    answer(null, { claims: Object.fromEntries(request.claims.map(({ uid }) => [uid, { error: '' }])) });
  };
  const endpoint = '/var/lib/kubelet/plugins/second.sock';
  const info = { type: pluginType, name: draDriver, endpoint, supported_versions: [supportedService] };
  const getInfo: handleUnaryCall<unknown, PluginInfo> = (_, answer) => answer(null, info);
  const notify: handleUnaryCall<RegistrationStatus, object> = ({ request }, answer) => {
    if (request.plugin_registered) registered.resolve();
    else registered.reject(new Error(request.error));
    answer(null, {});
  };
  await using undo = new AsyncDisposableStack();
  const serve = async (path: string, server: Server) => {
    await promisify(server.bindAsync.bind(server))(`unix:${path}`, ServerCredentials.createInsecure());
    undo.defer(async () => {
      server.forceShutdown();
      await rm(path, { force: true });
    });
  };
  const driver = new Server();
  driver.addService(driverService, { NodePrepareResources: prepare, NodeUnprepareResources: unprepare });
  await serve(join(nodeFolder(node), 'kubelet/plugins/second.sock'), driver);
  const registration = new Server();
  registration.addService(pluginRegistrationService, { GetInfo: getInfo, NotifyRegistrationStatus: notify });
  await serve(join(nodeFolder(node), 'kubelet/plugins_registry/second.sock'), registration);
  const scope = undo.move();
  return { registered: registered.promise, unprepared, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}
