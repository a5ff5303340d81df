// SPDX-License-Identifier: Apache-2.0
import { type ContainerAllocateResponse, devicePluginService, health } from '../../nodeplugin/deviceplugin/v1beta1.ts';
import { describeFailure } from '../../nodeplugin/grpc-client.ts';
import type { Holder } from '../../nodeplugin/podresources/held-devices.ts';
import type { HeldTable } from './held-table.ts';
import type { PluginConnection } from './plugin-connection.ts';
import type { ResourceRow } from './resource-table.ts';

/** Devices that a container of a pod holds after admission. */
export interface Allocation {
  readonly resourceName: string;
  readonly deviceIds: readonly string[];
  readonly holder: Holder;
  /** The plugin's response for the container. */
  readonly response: ContainerAllocateResponse;
}

/**
 * Chooses, reserves and allocates devices, as devicesToAllocate and Allocate do (devicemanager/manager.go). After a
 * failure, no device stays reserved.
 */
export async function allocateDevices(
  row: ResourceRow,
  held: HeldTable,
  count: number,
  holder: Holder,
): Promise<Allocation> {
  const { name, options } = row;
  const connection = connected(row);
  const healthy = row.devices.filter((device) => device.health === health.healthy).map(({ ID }) => ID);
  const inUse = held.inUse(name);
  const available = healthy.filter((id) => !inUse.has(id));
  requireEnough(name, available.length, count);
  const preferred = options?.get_preferred_allocation_available
    ? await askPreference(connection, available, count)
    : [];
  // The plugin's preference is only advice. Preferred devices that are not free are skipped, and other devices replace
  // them.
  const inUseNow = held.inUse(name);
  const free = new Set(available.filter((id) => !inUseNow.has(id)));
  const deviceIds = [...new Set([...preferred.filter((id) => free.has(id)), ...free])].slice(0, count);
  requireEnough(name, deviceIds.length, count);
  held.reserve(name, deviceIds, holder);
  try {
    const response = await askAllocate(connection, deviceIds);
    held.commit(name, deviceIds);
    return { resourceName: name, deviceIds, holder, response };
  } catch (thrown) {
    held.free(name, deviceIds);
    throw new Error(`Allocate failed due to ${describeFailure(thrown)}, which is unexpected`);
  }
}

/**
 * Calls PreStartContainer, which kubelet does before each start of a container that holds devices. Does nothing if the
 * plugin does not require the call.
 */
export async function preStartContainer(row: ResourceRow, deviceIds: readonly string[]): Promise<void> {
  if (!row.options?.pre_start_required) return;
  const { socket } = connected(row);
  try {
    await socket.call(
      devicePluginService.PreStartContainer,
      { devices_ids: deviceIds },
      { timeoutMs: preStartTimeoutMs },
    );
  } catch (thrown) {
    throw new Error(`device plugin PreStartContainer rpc failed with err: ${describeFailure(thrown)}`);
  }
}

function connected({ name, connection, connected }: ResourceRow): PluginConnection {
  if (connection === undefined || !connected) throw new Error(`endpoint ${name} has been stopped`);
  return connection;
}

async function askPreference(
  { socket }: PluginConnection,
  available: readonly string[],
  count: number,
): Promise<readonly string[]> {
  const request = { available_deviceIDs: available, must_include_deviceIDs: [], allocation_size: count };
  const response = await socket.call(
    devicePluginService.GetPreferredAllocation,
    { container_requests: [request] },
    { timeoutMs: callTimeoutMs },
  );
  return response.container_responses[0]?.deviceIDs ?? [];
}

async function askAllocate({ socket }: PluginConnection, ids: readonly string[]): Promise<ContainerAllocateResponse> {
  const request = { container_requests: [{ devices_ids: ids }] };
  const { container_responses } = await socket.call(devicePluginService.Allocate, request, {
    timeoutMs: callTimeoutMs,
  });
  const [response] = container_responses;
  // Kubelet reads the first response without a check, and crashes if there is none.
  if (response === undefined) throw new Error('no containers in allocation response');
  return response;
}

function requireEnough(name: string, available: number, count: number): void {
  if (available >= count) return;
  throw new Error(`requested number of devices unavailable for ${name}. Requested: ${count}, Available: ${available}`);
}

/** Source: KubeletPreStartContainerRPCTimeoutInSecs (deviceplugin/v1beta1/constants.go). */
const preStartTimeoutMs = 30_000;

/**
 * Kubelet limits the time only of PreStartContainer. Here, the other calls also have a limit, so that a test fails
 * instead of hanging.
 */
const callTimeoutMs = 30_000;
