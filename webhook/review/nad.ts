// SPDX-License-Identifier: Apache-2.0
import { ownValue } from '../../policy/json.ts';
import { type NadContext, type NadObject, resourceAnnotation, resourceOfNad } from '../../policy/nad/read-nad.ts';
import { defaultNad, needsLookup, reviewNad } from '../../policy/nad/review-nad.ts';
import type { Verdict } from '../../policy/reasons.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { AdmissionRequest } from '../admission/admission-review.ts';
import { type Endpoint, type ReviewResult, tryMutation } from '../admission/endpoint.ts';
import {
  cachedFacts,
  denyByStaleFacts,
  type Facts,
  liveFacts,
  needLiveFacts,
  type RequestDeps,
  type ReviewDeps,
  refuseUnlessSynced,
} from './review-facts.ts';

/**
 * Fills in the defaults of a macvtap network. Causes I/O only if the request adds or changes a resource that is not in
 * the cache.
 */
export function mutateNad(deps: ReviewDeps): Endpoint {
  const mutate = (nad: NadObject, context: NadContext): ReviewResult => {
    const { before: _, ...alone } = context;
    return tryMutation(nad, defaultNad(nad, context), (made) => reviewNad(made, alone));
  };
  return {
    path: '/mutate/network-attachment-definitions',
    kind: 'NetworkAttachmentDefinition',
    verb: 'mutate',
    onFailure: 'refuse',
    handle(request, { lookups, client }) {
      const nad = nadOf(request.object);
      if (nad === undefined) return { verdicts: [] };
      const cached = contextOf(request, cachedFacts(deps, request.namespace), deps);
      if (!needsLookup(nad, cached)) return mutate(nad, cached);
      if (isUntouched(nad, cached)) return { verdicts: [] };
      const live = liveFacts(askedBy(deps, client, request), request.namespace, lookups()).then((facts) => {
        const context = contextOf(request, facts, deps);
        if (needsLookup(nad, context)) refuseUnlessSynced(deps);
        return mutate(nad, context);
      });
      return orFromCache(live, reviewNad(nad, cached), () => mutate(nad, cached));
    },
  };
}

/** Validates a macvtap network. Causes I/O only if the cached facts do not suffice to admit the network's changes. */
export function validateNad(deps: ReviewDeps): Endpoint {
  return {
    path: '/validate/network-attachment-definitions',
    kind: 'NetworkAttachmentDefinition',
    verb: 'validate',
    onFailure: 'refuse',
    handle(request, { lookups, client }) {
      const nad = nadOf(request.object);
      if (nad === undefined) return { verdicts: [] };
      const cached = contextOf(request, cachedFacts(deps, request.namespace), deps);
      const verdicts = reviewNad(nad, cached);
      if ((!needLiveFacts(verdicts) && isNamespaceKnown(nad, cached)) || isUntouched(nad, cached)) return { verdicts };
      const live = liveFacts(askedBy(deps, client, request), request.namespace, lookups()).then((facts) => {
        const judged = reviewNad(nad, contextOf(request, facts, deps));
        if (needLiveFacts(judged)) refuseUnlessSynced(deps);
        return { verdicts: judged };
      });
      return orFromCache(live, verdicts, () => ({ verdicts }));
    },
  };
}

function askedBy(deps: ReviewDeps, client: string, { namespace }: AdmissionRequest): RequestDeps {
  return { ...deps, lookups: deps.lookups.of({ client, namespace }) };
}

function contextOf({ oldObject }: AdmissionRequest, facts: Facts, { unknownResource }: ReviewDeps): NadContext {
  const before = nadOf(oldObject);
  return { ...facts, unknownResource, remembered: {}, ...(before !== undefined && { before }) };
}

/** Returns whether the namespace's labels are known, or not needed because the network names no macvtap resource. */
function isNamespaceKnown(nad: NadObject, { namespaceLabels }: NadContext): boolean {
  return namespaceLabels !== undefined || resourceOfNad(nad) === undefined;
}

/**
 * Returns whether an update leaves the resource and the config unchanged. Their problems then existed before. Such an
 * update, for example a new label, must not wait for look-ups, or fail because of them.
 */
function isUntouched(nad: NadObject, { before }: NadContext): boolean {
  if (before === undefined) return false;
  const isSame = (read: (of: NadObject) => unknown): boolean => read(nad) === read(before);
  return (
    isSame(({ metadata }) => ownValue(ownValue(metadata, 'annotations'), resourceAnnotation)) &&
    isSame((of) => ownValue(ownValue(of, 'spec'), 'config'))
  );
}

/**
 * Returns the live result, or the cached result with a warning if the look-up fails. If the cached verdicts contain a
 * denial that live facts could reverse, raises the failure instead, so that the client retries.
 */
async function orFromCache(
  live: Promise<ReviewResult>,
  known: readonly Verdict[],
  fromCache: () => ReviewResult,
): Promise<ReviewResult> {
  try {
    return await live;
  } catch (thrown) {
    if (!(thrown instanceof MacvtapError) || thrown.code !== 'LookupFailed' || denyByStaleFacts(known)) throw thrown;
    return { ...fromCache(), warnings: [`LookupFailed: ${thrown.message}; the webhook used its cache instead`] };
  }
}

/** Casts without a check: the rules accept any value in any field. */
function nadOf(object: AdmissionRequest['object']): NadObject | undefined {
  return object as unknown as NadObject | undefined;
}
