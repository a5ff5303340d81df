// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { missingRight } from './missing-right.ts';
import type { MissingPart } from './view.ts';

/** A collection that was asked for. */
interface Asked {
  readonly what: string;
  readonly path: string;
}

/**
 * What an error of a list means: a part that is missing, with which a command goes on. Raises the error where there is
 * nothing to go on with: nobody answers, or the API server does not know who asks.
 */
export function tellMissing({ what, path }: Asked, thrown: unknown): MissingPart {
  const error = MacvtapError.from(thrown);
  const { status } = error.facts;
  const isOfThisPart = error.code === 'ApiServerMalformed' || (error.code === 'ApiServerRefused' && status !== 401);
  if (!isOfThisPart) throw error;
  return { what, message: status === 403 ? `the right to ${missingRight(path)} is missing` : error.message };
}
