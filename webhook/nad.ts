// SPDX-License-Identifier: Apache-2.0
import { defaultNad } from '../policy/nad/default-nad.ts';
import { needsLookup } from '../policy/nad/needs-lookup.ts';
import { resourceOfNad } from '../policy/nad/read-nad.ts';
import { reviewNad } from '../policy/nad/review-nad.ts';
import type { NadContext, NadObject } from '../policy/nad/rule.ts';
import type { AdmissionRequest } from './admission/admission-review.ts';
import { tryMutation } from './admission/json-patch.ts';
import type { Endpoint, Judgement } from './admission/judgement.ts';
import { cachedFacts, type Facts, liveFacts, mayTurn, refuseUnlessSynced } from './known-facts.ts';
import type { ReviewDeps } from './review-deps.ts';

const kind = 'NetworkAttachmentDefinition';

/** Fills what a macvtap network leaves out. Without I/O, unless nothing that is known offers its resource. */
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
    judge(request, deadline) {
      const nad = nadOf(request.object);
      if (nad === undefined) return { verdicts: [] };
      const cached = contextOf(request, cachedFacts(deps, request.namespace), deps);
      if (!needsLookup(nad, cached) && isNamespaceKnown(nad, cached)) return mutate(nad, cached);
      return liveFacts(deps, request.namespace, deadline()).then((facts) => {
        const live = contextOf(request, facts, deps);
        if (needsLookup(nad, live)) refuseUnlessSynced(deps);
        return mutate(nad, live);
      });
    },
  };
}

/** Judges a macvtap network. Without I/O, unless what is known speaks against it. */
export function validateNad(deps: ReviewDeps): Endpoint {
  return {
    path: '/validate/network-attachment-definitions',
    kind,
    verb: 'validate',
    onTrouble: 'refuse',
    judge(request, deadline) {
      const nad = nadOf(request.object);
      if (nad === undefined) return { verdicts: [] };
      const cached = contextOf(request, cachedFacts(deps, request.namespace), deps);
      const verdicts = reviewNad(nad, cached);
      if (!mayTurn(verdicts) && isNamespaceKnown(nad, cached)) return { verdicts };
      return liveFacts(deps, request.namespace, deadline()).then((facts) => {
        const judged = reviewNad(nad, contextOf(request, facts, deps));
        if (mayTurn(judged)) refuseUnlessSynced(deps);
        return { verdicts: judged };
      });
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

/** The rules take any value in any place. */
function nadOf(object: AdmissionRequest['object']): NadObject | undefined {
  return object as unknown as NadObject | undefined;
}
