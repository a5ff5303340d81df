// SPDX-License-Identifier: Apache-2.0
import { mkdir, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type handleUnaryCall, Server, ServerCredentials, status } from '@grpc/grpc-js';
import {
  type Empty,
  kubeletSocketName,
  type RegisterRequest,
  registrationService,
} from '../../nodeplugin/deviceplugin/v1beta1.ts';

/** Kubelet's registration socket during one run of kubelet. */
export interface RegistrationServer {
  stop(): Promise<void>;
}

/**
 * Starts as kubelet does: creates the directory, removes every socket in it (CleanupPluginDirectory), then listens. If
 * `register` fails, the response has the code UNKNOWN and the text of the error, as when grpc-go sends a plain error.
 */
export async function serveRegistration(
  directory: string,
  register: (request: RegisterRequest) => Promise<void>,
): Promise<RegistrationServer> {
  await mkdir(directory, { recursive: true });
  await removeSockets(directory);
  const Register: handleUnaryCall<RegisterRequest, Empty> = (call, callback) => {
    register(call.request).then(
      () => callback(null, {}),
      (thrown: unknown) => callback({ code: status.UNKNOWN, details: describe(thrown) }),
    );
  };
  const server = new Server();
  server.addService(registrationService, { Register });
  const bind = promisify(server.bindAsync.bind(server));
  await bind(`unix:${join(directory, kubeletSocketName)}`, ServerCredentials.createInsecure());
  return { stop: async () => server.forceShutdown() };
}

async function removeSockets(directory: string): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true });
  const sockets = entries.filter((entry) => entry.isSocket());
  await Promise.all(sockets.map(({ name }) => unlink(join(directory, name)).catch(() => {})));
}

function describe(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
