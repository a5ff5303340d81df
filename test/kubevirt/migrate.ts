// SPDX-License-Identifier: Apache-2.0
import type { Cluster } from '../cluster/cluster.ts';
import { until } from '../process/until.ts';
import { type Machine, type MigrationState, machineGuardMs } from './machine.ts';

interface Migration {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly phase?: string };
}

const migrations = '/apis/kubevirt.io/v1/namespaces/default/virtualmachineinstancemigrations';
const migrationPolicies = '/apis/migrations.kubevirt.io/v1alpha1/migrationpolicies';

const slowPolicy = {
  apiVersion: 'migrations.kubevirt.io/v1alpha1',
  kind: 'MigrationPolicy',
  metadata: { name: 'slow' },
  spec: {
    bandwidthPerMigration: '1Mi',
    selectors: { namespaceSelector: { 'kubernetes.io/metadata.name': 'default' } },
  },
} as const;

/**
 * Migrates a running machine to another node. Resolves when KubeVirt has completed the migration, and raises an error
 * if it fails.
 */
export async function migrate(cluster: Cluster, machine: Machine): Promise<MigrationState> {
  const name = await createMigration(cluster, machine);
  const phase = await untilPhase(cluster, name, 'Succeeded', 'Failed');
  const { migrationState } = (await machine.instance()).status;
  if (phase !== 'Succeeded' || migrationState === undefined) {
    throw new Error(`the migration of ${machine.name} is ${phase}: ${JSON.stringify(migrationState)}`);
  }
  return migrationState;
}

/** A migration that is copying the guest's memory. */
export interface RunningMigration {
  readonly state: MigrationState;
  /** Deletes the migration's object, which cancels the migration. Resolves when KubeVirt has finished with it. */
  cancel(): Promise<void>;
  untilFailed(): Promise<void>;
}

/**
 * Starts the migration of a running machine, and returns while the memory is being copied. The rate of 1 MiB per second
 * ensures that the migration does not end before it is interrupted.
 */
export async function startSlowMigration(cluster: Cluster, machine: Machine): Promise<RunningMigration> {
  const { admin } = cluster;
  await using undo = new AsyncDisposableStack();
  await admin.must('POST', migrationPolicies, { body: slowPolicy });
  // The policy can be deleted, because a running migration has already read it.
  undo.defer(async () => void (await admin.must('DELETE', `${migrationPolicies}/${slowPolicy.metadata.name}`)));
  const before = (await machine.instance()).status.migrationState?.startTimestamp;
  const name = await createMigration(cluster, machine);
  await untilPhase(cluster, name, 'Running', 'Failed');
  const { status } = await until(
    () => machine.instance(),
    ({ status: { migrationState: now } }) => now?.startTimestamp !== undefined && now.startTimestamp !== before,
    machineGuardMs,
  );
  return {
    state: status.migrationState as MigrationState,
    async cancel() {
      await admin.must('DELETE', `${migrations}/${name}`);
      await until(
        async () => (await admin.call('GET', `${migrations}/${name}`)).status,
        (code) => code === 404,
        machineGuardMs,
      );
    },
    untilFailed: async () => void (await untilPhase(cluster, name, 'Failed')),
  };
}

async function createMigration(cluster: Cluster, machine: Machine): Promise<string> {
  const { metadata } = await cluster.admin.must<Migration>('POST', migrations, {
    body: {
      apiVersion: 'kubevirt.io/v1',
      kind: 'VirtualMachineInstanceMigration',
      metadata: { generateName: `${machine.name}-`, namespace: 'default' },
      spec: { vmiName: machine.name },
    },
  });
  return metadata.name;
}

/** Waits until the migration is in one of these phases, and returns that phase. */
async function untilPhase(cluster: Cluster, name: string, ...phases: readonly string[]): Promise<string | undefined> {
  const { status } = await until(
    () => cluster.admin.must<Migration>('GET', `${migrations}/${name}`),
    (found) => phases.includes(found.status?.phase ?? ''),
    machineGuardMs,
  );
  return status?.phase;
}

/**
 * Evicts the launcher pod of a machine, as `kubectl drain` does, and waits until the machine has migrated to another
 * node.
 */
export async function evict(cluster: Cluster, machine: Machine): Promise<MigrationState> {
  const { metadata, spec } = await machine.launcher();
  const { name, namespace } = { ...metadata, namespace: 'default' };
  // KubeVirt responds with 429, as for a pod that may not be evicted yet, and starts the migration.
  const { status, body } = await cluster.admin.call('POST', `/api/v1/namespaces/default/pods/${name}/eviction`, {
    body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } },
  });
  if (status !== 429) throw new Error(`the eviction of ${name} was answered with ${status}: ${JSON.stringify(body)}`);
  const moved = await until(
    () => machine.instance(),
    ({ status: now }) => now.nodeName !== spec.nodeName && now.migrationState?.completed === true,
    machineGuardMs,
  );
  return moved.status.migrationState as MigrationState;
}
