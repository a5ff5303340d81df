// SPDX-License-Identifier: Apache-2.0
import { isRecord } from '../objects/known-object.ts';
import { type ApiObject, isApiObject } from './api-object.ts';

/** One line of a watch, read. */
export type WatchEvent =
  | { readonly type: 'set' | 'delete'; readonly object: ApiObject; readonly resourceVersion: string }
  | { readonly type: 'bookmark'; readonly resourceVersion: string }
  | { readonly type: 'error'; readonly status: number; readonly message: string }
  | { readonly type: 'garbled'; readonly message: string };

/**
 * Reads one line: `{"type":"ADDED","object":{…}}`. Whatever is no event is garbled, not passed over: it may have been one
 * that counts.
 */
export function readWatchEvent(line: string): WatchEvent {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch (thrown) {
    return garbled(`no JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
  if (!isRecord(event) || !isRecord(event.object)) return garbled('no event');
  const { type, object } = event;
  if (type === 'ERROR') {
    return { type: 'error', status: Number(object.code) || 500, message: String(object.message ?? object.reason) };
  }
  const resourceVersion = isRecord(object.metadata) ? object.metadata.resourceVersion : undefined;
  if (typeof resourceVersion !== 'string' || resourceVersion === '') return garbled('an event without a version');
  if (type === 'BOOKMARK') return { type: 'bookmark', resourceVersion };
  if (!isApiObject(object)) return garbled('an event about an object without a name');
  if (type === 'ADDED' || type === 'MODIFIED') return { type: 'set', object, resourceVersion };
  if (type === 'DELETED') return { type: 'delete', object, resourceVersion };
  return garbled(`an event of the unknown type ${String(type)}`);
}

function garbled(message: string): WatchEvent {
  return { type: 'garbled', message };
}
