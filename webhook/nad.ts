// SPDX-License-Identifier: Apache-2.0
import { ownValue } from '../policy/json-object.ts';
import { defaultNad } from '../policy/nad/default-nad.ts';
import { needsLookup } from '../policy/nad/needs-lookup.ts';
import { resourceAnnotation, resourceOfNad } from '../policy/nad/read-nad.ts';
import { reviewNad } from '../policy/nad/review-nad.ts';
import type { NadContext, NadObject } from '../policy/nad/rule.ts';
import type { Verdict } from '../policy/reasons.ts';
import { MacvtapError } from '../runtime/errors.ts';
import type { AdmissionRequest } from './admission/admission-review.ts';
import { tryMutation } from './admission/json-patch.ts';
import type { Endpoint, Judgement } from './admission/judgement.ts';
import { cachedFacts, type Facts, liveFacts, mayTurn, mayTurnDenial, refuseUnlessSynced } from './known-facts.ts';
import type { ReviewDeps } from './review-deps.ts';

const kind = 'NetworkAttachmentDefinition';

/**
 * Fills what a macvtap network leaves out. Without I/O, unless nothing that is known offers its resource, and that is
 * new of it.
 */
export function mutateNad(deps: ReviewDeps): Endpoint {
  const mutate = (nad: NadObject, context: NadContext): Judgement => {
    const { before: _, ...alone } = context;
    return tryMutation(nad, defaultNad(nad, context), (made) => reviewNad(made, alone));
  };
  return {
    path: '/mutate/network-attachment-definitions',
    kind,
    verb: 'mutate',
    onTrouble: 'refuse',
    judge(request, { lookups }) {
      const nad = nadOf(request.object);
      if (nad === undefined) return { verdicts: [] };
      const cached = contextOf(request, cachedFacts(deps, request.namespace), deps);
      if (!needsLookup(nad, cached)) return mutate(nad, cached);
      if (isUntouched(nad, cached)) return { verdicts: [] };
      const live = liveFacts(deps, request.namespace, lookups()).then((facts) => {
        const context = contextOf(request, facts, deps);
        if (needsLookup(nad, context)) refuseUnlessSynced(deps);
        return mutate(nad, context);
      });
      return orFromCache(live, reviewNad(nad, cached), () => mutate(nad, cached));
    },
  };
}

/** Judges a macvtap network. Without I/O, unless what is known speaks against it, and that is new of it. */
export function validateNad(deps: ReviewDeps): Endpoint {
  return {
    path: '/validate/network-attachment-definitions',
    kind,
    verb: 'validate',
    onTrouble: 'refuse',
    judge(request, { lookups }) {
      const nad = nadOf(request.object);
      if (nad === undefined) return { verdicts: [] };
      const cached = contextOf(request, cachedFacts(deps, request.namespace), deps);
      const verdicts = reviewNad(nad, cached);
      if ((!mayTurn(verdicts) && isNamespaceKnown(nad, cached)) || isUntouched(nad, cached)) return { verdicts };
      const live = liveFacts(deps, request.namespace, lookups()).then((facts) => {
        const judged = reviewNad(nad, contextOf(request, facts, deps));
        if (mayTurn(judged)) refuseUnlessSynced(deps);
        return { verdicts: judged };
      });
      return orFromCache(live, verdicts, () => ({ verdicts }));
    },
  };
}

function contextOf({ oldObject }: AdmissionRequest, facts: Facts, { unknownResource }: ReviewDeps): NadContext {
  const before = nadOf(oldObject);
  return { ...facts, unknownResource, ...(before !== undefined && { before }) };
}

/** Whether the labels of the namespace are there as far as they matter: networks of others are judged by none. */
function isNamespaceKnown(nad: NadObject, { namespaceLabels }: NadContext): boolean {
  return namespaceLabels !== undefined || resourceOfNad(nad) === undefined;
}

/**
 * Whether an update leaves resource and config as they were: whatever speaks against them did before, and is no reason to
 * make whoever labels an old network wait for the API server, or fail with it.
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
 * Where the cluster cannot be asked, the cache decides, and says so, unless it refuses the network for what the cluster may
 * turn: that stays a failure, to be tried again.
 */
async function orFromCache(
  live: Promise<Judgement>,
  known: readonly Verdict[],
  fromCache: () => Judgement,
): Promise<Judgement> {
  try {
    return await live;
  } catch (thrown) {
    if (!(thrown instanceof MacvtapError) || thrown.code !== 'LookupFailed' || mayTurnDenial(known)) throw thrown;
    return { ...fromCache(), warnings: [`LookupFailed: ${thrown.message}; what was known before decided`] };
  }
}

/** The rules take any value in any place. */
function nadOf(object: AdmissionRequest['object']): NadObject | undefined {
  return object as unknown as NadObject | undefined;
}
