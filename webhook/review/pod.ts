// SPDX-License-Identifier: Apache-2.0
import type { Snapshot } from '../../cluster/source.ts';
import { ownValue } from '../../policy/json.ts';
import type { NadObject } from '../../policy/nad/read-nad.ts';
import { hasNoResource } from '../../policy/pod/check-networks.ts';
import { countDemand, networkKey } from '../../policy/pod/count-demand.ts';
import { injectPod, onlyAddsDevices } from '../../policy/pod/inject-pod.ts';
import { type NetworkRef, namedNetworks, networksOf, type PodMemo } from '../../policy/pod/parse-networks.ts';
import type { KnownClaims } from '../../policy/pod/read-claims.ts';
import type { PodObject } from '../../policy/pod/read-pod.ts';
import type { PodContext } from '../../policy/pod/rule.ts';
import { findDenials, reviewPod } from '../../policy/pod/rules.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { AdmissionRequest } from '../admission/admission-review.ts';
import { type Endpoint, tryMutation } from '../admission/endpoint.ts';
import { findClaims } from './claim.ts';
import {
  cachedFacts,
  type Facts,
  liveFacts,
  needLiveFacts,
  type RequestDeps,
  type ReviewDeps,
} from './review-facts.ts';

const kind = 'Pod';

/**
 * Adds the devices that a pod's networks need. Causes I/O only if a network is not in the cache or names no resource.
 */
export function mutatePod(deps: ReviewDeps): Endpoint {
  return {
    path: '/mutate/pods',
    kind,
    verb: 'mutate',
    // Passes, because a pod without its devices fails later at CNI ADD with the reason. A pod that is refused here
    // might have nothing to do with macvtap.
    onFailure: 'pass',
    handle(request, { lookups, client }) {
      const { object: pod, namespace } = request;
      if (pod === undefined) return { verdicts: [] };
      const own = (): RequestDeps => ({ ...deps, lookups: deps.lookups.of({ client, namespace }) });
      return withNetworks(pod, namespace, deps, own, lookups, (networks, memo) => {
        const { multusNamespace } = deps;
        const demand = countDemand(networksOf(pod, { namespace, multusNamespace, memo }), networks);
        // A claim matters only if a network needs a device. A failed look-up then fails the mutation: if the claim were
        // ignored, the pod could get each device twice.
        const found = demand.size > 0 ? findClaims(pod, namespace, deps, own, lookups) : undefined;
        return afterClaims(found, (claims) => {
          const context = contextOf(request, cachedFacts(deps, namespace), { networks, memo, claims }, deps);
          const mutation = injectPod(pod, context);
          if (onlyAddsDevices(pod, mutation.edits, demand)) return mutation;
          return tryMutation<PodObject>(pod, mutation, (made) => findDenials(made, context));
        });
      });
    },
  };
}

/**
 * Validates a pod. Causes I/O only if a network is not in the cache or names no resource, or if the cached facts do not
 * suffice to admit the pod.
 */
export function validatePod(deps: ReviewDeps): Endpoint {
  return {
    path: '/validate/pods',
    kind,
    verb: 'validate',
    onFailure: 'refuse',
    handle(request, { lookups, client }) {
      const { object: pod, namespace } = request;
      if (pod === undefined) return { verdicts: [] };
      const own = (): RequestDeps => ({ ...deps, lookups: deps.lookups.of({ client, namespace }) });
      return withNetworks(pod, namespace, deps, own, lookups, (networks, memo) => {
        const found = findClaims(pod, namespace, deps, own, lookups);
        // Pods with claims of other drivers must not fail because a claim could not be looked up. The claim was checked
        // when it was created.
        return afterClaims(found instanceof Promise ? found.catch(() => undefined) : found, (claims) => {
          const known = { networks, memo, claims };
          const verdicts = reviewPod(pod, contextOf(request, cachedFacts(deps, namespace), known, deps));
          if (!needLiveFacts(verdicts)) return { verdicts };
          return liveFacts(own(), namespace, lookups()).then((facts) => ({
            verdicts: reviewPod(pod, contextOf(request, facts, known, deps)),
          }));
        });
      });
    },
  };
}

/**
 * The maximum number of containers of a pod, far more than kubelet runs. Each container takes a fraction of a
 * millisecond, and no other request is handled during that time.
 */
const mostContainers = 1_024;

/** Raises PodTooLarge. */
function refuseTooLarge(pod: PodObject): void {
  const lists = ['containers', 'initContainers'].map((name) => ownValue(ownValue(pod, 'spec'), name));
  const count = lists.reduce<number>((sum, list) => sum + (Array.isArray(list) ? list.length : 0), 0);
  if (count <= mostContainers) return;
  throw new MacvtapError(
    'PodTooLarge',
    `the pod has ${count} containers; split it: at most ${mostContainers} are reviewed`,
  );
}

/** Calls `handle` with the pod's networks. If no network must be looked up, the call is synchronous. */
function withNetworks<Result>(
  pod: PodObject,
  namespace: string,
  { source, multusNamespace }: ReviewDeps,
  own: () => RequestDeps,
  deadline: () => AbortSignal,
  handle: (networks: Networks, memo: PodMemo) => Result | Promise<Result>,
): Result | Promise<Result> {
  refuseTooLarge(pod);
  const memo: PodMemo = {};
  const named = namedNetworks(pod, { namespace, multusNamespace, memo });
  const known: Networks = source.snapshot.networks;
  const isCached = (ref: NetworkRef): boolean => {
    const nad = known.get(networkKey(ref));
    return nad !== undefined && !hasNoResource(nad);
  };
  if (named.every(isCached)) return handle(known, memo);
  const networks = findNetworks(named, own(), deadline);
  return networks instanceof Promise ? networks.then((found) => handle(found, memo)) : handle(networks, memo);
}

function contextOf(
  { namespace, oldObject }: AdmissionRequest,
  facts: Facts,
  {
    claims,
    ...read
  }: { readonly networks: Networks; readonly memo: PodMemo; readonly claims: KnownClaims | undefined },
  { multusNamespace }: ReviewDeps,
): PodContext {
  const known = { ...read, ...(claims !== undefined && { claims }) };
  return { ...facts, namespace, multusNamespace, ...known, ...(oldObject !== undefined && { before: oldObject }) };
}

/** Calls `handle` with the claims. If no claim must be looked up, the call is synchronous. */
function afterClaims<Result>(
  claims: KnownClaims | undefined | Promise<KnownClaims | undefined>,
  handle: (claims: KnownClaims | undefined) => Result | Promise<Result>,
): Result | Promise<Result> {
  return claims instanceof Promise ? claims.then(handle) : handle(claims);
}

type Networks = ReadonlyMap<string, NadObject>;

/**
 * The maximum number of networks to look up for a pod. A `kubectl apply` that creates a pod together with its networks
 * creates fewer. Without a limit, an annotation of 256 KiB could name fifty thousand.
 */
const maxLookups = 16;

/**
 * Finds the networks that a pod names. Most are in the snapshot and need no I/O. A network is read with a GET if it is
 * not in the snapshot, or if it names no resource there. In both cases, the `kubectl apply` that creates the pod may
 * have just written the network. All GETs run in parallel. Networks that do not exist are omitted. If the GET of a
 * network in the snapshot fails or would exceed `maxLookups`, the version in the snapshot is used.
 *
 * Raises LookupFailed if the GET of any other network fails. Also raises it if the pod names more unknown networks than
 * `maxLookups`, because a network must not be reported missing without a look-up.
 */
function findNetworks(
  named: readonly NetworkRef[],
  { source, lookups }: RequestDeps,
  deadline: () => AbortSignal,
): Networks | Promise<Networks> {
  const known: Snapshot['networks'] = source.snapshot.networks;
  const refs = new Map(named.map((ref) => [networkKey(ref), ref]));
  const missing = [...refs].filter(([key]) => !known.has(key)).map(([, ref]) => ref);
  const bare = [...refs].flatMap(([key, ref]) => {
    const nad = known.get(key);
    return nad !== undefined && hasNoResource(nad) ? [{ key, ref, nad }] : [];
  });
  if (missing.length + bare.length === 0) return known;
  if (missing.length > maxLookups) return Promise.reject(tooMany(missing.length));
  const signal = deadline();
  const read = ({ namespace, name }: NetworkRef) => lookups.network(namespace, name, signal);
  const asked = [
    ...missing.map(async (ref) => [networkKey(ref), await read(ref)] as const),
    ...bare
      .slice(0, maxLookups - missing.length)
      .map(async ({ key, ref, nad }) => [key, await read(ref).catch(() => nad)] as const),
  ];
  return Promise.all(asked).then((answers) => {
    const live = new Map<string, NadObject | undefined>(answers);
    return new Map(
      [...refs.keys()].flatMap((key) => {
        const nad = live.has(key) ? live.get(key) : known.get(key);
        return nad === undefined ? [] : [[key, nad] as const];
      }),
    );
  });
}

function tooMany(count: number): MacvtapError {
  const text = `the pod names ${count} networks that the webhook does not know, and it looks up at most ${maxLookups}`;
  return new MacvtapError('LookupFailed', `${text}; fix their names, or create them before the pod`);
}
