// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { createBodyBudget } from './body-budget.ts';
import { type IntakeLimits, RequestRefused } from './limits.ts';
import { hasMoreValues, parseBody, type ReadBody, readBody } from './read-body.ts';

/** Bodies of at least this length are large. Nearly all bodies are smaller. */
const smallLength = 128 * 1024;

/**
 * The maximum number of bytes under review at the same time. Small and large bodies have separate limits, so that small
 * ones do not wait for large ones. Parsed JSON can take fifty times the length of its body, and stays in memory during
 * look-ups. If more of it could be in memory, V8 would reach its limit (limits.ts) and end the process.
 */
const inside = { small: 2 * 1024 * 1024, large: 1024 * 1024 } as const;

/**
 * Called once for each body: with its parsed JSON, or with the error. An error is RequestRefused or a SyntaxError. The
 * receiver must call `leave` when the answer is written. The body keeps its place until then.
 */
type OnBody = (error: Error | undefined, value: unknown, leave: Leave) => void;

/** Receives the bodies of requests. */
export interface Intake {
  receive(request: IncomingMessage, client: string, onBody: OnBody): void;
}

/**
 * Creates the intake of an app. The bytes of a body count against the budget before the body is read (body-budget.ts).
 * Complete bodies are then parsed in turn. A request frees its place when its answer is written, even if the client
 * does not read the answer. A request whose client disconnects while its body waits is dropped without a call.
 */
export function createIntake(limits: IntakeLimits): Intake {
  const budget = createBodyBudget(limits);
  const semaphores = { small: createBodySemaphore(inside.small), large: createBodySemaphore(inside.large) };

  const takeTurn = (socket: Socket, client: string, { body, share }: ReadBody, onBody: OnBody): void => {
    let isInside = false;
    const semaphore = body.length <= smallLength ? semaphores.small : semaphores.large;
    const place = semaphore.enter(client, body.length, (leave) => {
      isInside = true;
      socket.off('close', giveUp);
      const end = (): void => {
        leave();
        share.release();
      };
      if (socket.destroyed) return end();
      share.keep();
      const later = (): void => {
        // Deferred if another body waits, because `leave` parses that body immediately.
        if (semaphore.isWaiting) setImmediate(end);
        else end();
      };
      let value: unknown;
      try {
        value = parseBounded(body, limits);
      } catch (thrown) {
        return onBody(thrown as Error, undefined, later);
      }
      return onBody(undefined, value, later);
    });
    function giveUp(): void {
      place();
      share.release();
    }
    if (isInside) return;
    share.onDrop = () => {
      socket.off('close', giveUp);
      place();
      onBody(new RequestRefused('queue', 503, 'too many large requests are waiting; try again'), undefined, () => {});
    };
    socket.once('close', giveUp);
  };
  return {
    receive(request, client, onBody) {
      const { socket, headers } = request;
      const length = headers['content-length'] === undefined ? undefined : Number(headers['content-length']);
      readBody({ source: request, length, client, budget, limits }, (error, read) => {
        if (read === undefined) onBody(error ?? new Error('the body was not read'), undefined, () => {});
        else takeTurn(socket, client, read, onBody);
      });
    },
  };
}

function parseBounded(body: Buffer, { bodyValues }: IntakeLimits): unknown {
  if (body.length > smallLength && hasMoreValues(body, bodyValues)) {
    throw new RequestRefused('body-values', 413, `the body has more than ${bodyValues} JSON values`);
  }
  return parseBody(body.toString());
}

/** Removes a body from the semaphore: drops it if it waits, or frees its place. Calling it again has no effect. */
type Leave = () => void;

/** A semaphore for bodies, weighted by their length and fair to clients. */
export interface BodySemaphore {
  /**
   * Calls back when the body may be parsed: at once, or in its turn. The return value and the callback's argument are
   * the same function. Call it when the request is over or its client is gone.
   */
  enter(client: string, length: number, onTurn: (leave: Leave) => void): Leave;
  /** Whether any body waits for its turn. */
  readonly isWaiting: boolean;
}

interface Entry {
  readonly length: number;
  readonly onTurn: () => void;
}

/**
 * Creates a semaphore that admits bodies of `mostInside` bytes in total. A larger body is admitted when it is the only
 * one. Clients take turns, so that a client with many bodies does not delay the others. The bodies of one client keep
 * their order.
 */
export function createBodySemaphore(mostInside: number): BodySemaphore {
  /** In the order of the clients' turns. */
  const waiting = new Map<string, Set<Entry>>();
  const inside = new Set<Entry>();
  let lengthInside = 0;

  const next = (): [client: string, entry: Entry] | undefined => {
    const [first] = waiting;
    if (first === undefined) return undefined;
    const [entry] = first[1];
    return entry && [first[0], entry];
  };
  const remove = (client: string, entry: Entry, isTurn: boolean): boolean => {
    const own = waiting.get(client);
    if (own === undefined || !own.delete(entry)) return false;
    if (isTurn || own.size === 0) waiting.delete(client);
    if (own.size > 0 && isTurn) waiting.set(client, own);
    return true;
  };
  const admit = (): void => {
    for (let turn = next(); turn !== undefined; turn = next()) {
      const [client, entry] = turn;
      if (inside.size > 0 && lengthInside + entry.length > mostInside) return;
      remove(client, entry, true);
      inside.add(entry);
      lengthInside += entry.length;
      entry.onTurn();
    }
  };
  return {
    get isWaiting() {
      return waiting.size > 0;
    },
    enter(client, length, onTurn) {
      const entry: Entry = { length, onTurn: () => onTurn(leave) };
      const leave = (): void => {
        if (inside.delete(entry)) lengthInside -= length;
        else if (!remove(client, entry, false)) return;
        admit();
      };
      if (waiting.size === 0 && (inside.size === 0 || lengthInside + length <= mostInside)) {
        inside.add(entry);
        lengthInside += length;
        entry.onTurn();
        return leave;
      }
      const own = waiting.get(client) ?? new Set();
      waiting.set(client, own.add(entry));
      admit();
      return leave;
    },
  };
}
