// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { decodeAcknowledgement } from './acknowledgement.ts';
import { libc } from './libc.ts';
import type { NetlinkMessage } from './message.ts';
import { decodeMessages, encodeMessage, NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, NLMSG_NOOP } from './message.ts';
import type { NetlinkRequest } from './netlink-request.ts';
import { openDescriptor } from './open-descriptor.ts';
import { makeReceiver } from './receive.ts';

/** What the kernel made of a request that reached it; `errno` 0 is success. */
export interface Reply {
  readonly errno: number;
  /** The kernel's own explanation of a refusal, where it gives one. */
  readonly text?: string;
  readonly messages: readonly NetlinkMessage[];
  /** Things changed during a dump, and it may be inconsistent. */
  readonly interrupted: boolean;
}

/** What callers need of the socket; a test passes a literal. */
export type Requester = Pick<NetlinkSocket, 'request'>;

interface Exchange {
  readonly request: NetlinkRequest;
  readonly messages: NetlinkMessage[];
  interrupted: boolean;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Requests and their replies on one rtnetlink socket of the process's network namespace.
 *
 * The kernel carries a request out inside send(), which may wait long for its network lock. So send() runs on a
 * thread of libuv's pool, of which a process has four for everything: at most `concurrency` requests of a socket are
 * under way, the rest queue here. When send() returns the reply is in the socket's buffer (and a dump goes on inside
 * each recv()), so that nothing needs to be polled. A brief request takes less than the way to another thread, and
 * passes by the queue.
 */
export class NetlinkSocket implements AsyncDisposable {
  readonly #fd: number;
  readonly #receive: ReturnType<typeof makeReceiver>;
  readonly #concurrency: number;
  readonly #queue: Exchange[] = [];
  /** Sent and unanswered, by sequence number. An aborted one stays until its reply comes, which nobody then hears. */
  readonly #sent = new Map<number, Exchange>();
  /** What sends under way point at: koffi holds no more than the address, and what nobody else holds is freed. */
  readonly #sending = new Set<Uint8Array>();
  #underWay = 0;
  #sequence = 0;
  #closing: PromiseWithResolvers<void> | undefined;

  /** Raises `NetlinkUnavailable`. A socket that checks strictly lets the kernel filter dumps. */
  constructor(options: { readonly concurrency: number; readonly strict?: boolean }) {
    // A part of a dump (32 KiB) and an acknowledgement for each request under way are far below 256 KiB.
    this.#fd = openDescriptor({ receiveBufferBytes: 256 * 1024, strict: options.strict ?? false });
    this.#receive = makeReceiver(this.#fd);
    this.#concurrency = options.concurrency;
  }

  /**
   * Sends a request and waits for its reply. Raises `Aborted` when the signal or the socket ends first (what was already
   * sent is carried out nevertheless), `NetlinkLost`, `NetlinkMalformed` and `NetlinkUnavailable`.
   */
  request(request: NetlinkRequest, signal?: AbortSignal): Promise<Reply> {
    if (this.#closing !== undefined) return Promise.reject(aborted('the socket is closed'));
    if (signal?.aborted) return Promise.reject(aborted(signal.reason));
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const exchange: Exchange = { request, messages: [], interrupted: false, resolve, reject };
    const onAbort = () => {
      const index = this.#queue.indexOf(exchange);
      if (index >= 0) this.#queue.splice(index, 1);
      reject(aborted(signal?.reason));
    };
    if (request.isBrief) {
      this.#sendNow(exchange);
      return promise;
    }
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#queue.push(exchange);
    this.#sendQueued();
    return promise.finally(() => signal?.removeEventListener('abort', onAbort));
  }

  /** Fails what waits; the descriptor is closed when the last send() has returned, and then the promise resolves. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing === undefined) {
      this.#closing = Promise.withResolvers();
      const waiting = [...this.#queue.splice(0), ...this.#sent.values()];
      for (const exchange of waiting) exchange.reject(aborted('the socket was closed'));
      this.#closeWhenIdle();
    }
    await this.#closing.promise;
  }

  #sendQueued(): void {
    while (this.#underWay < this.#concurrency) {
      const exchange = this.#queue.shift();
      if (exchange === undefined) return;
      this.#send(exchange);
    }
  }

  #sendNow(exchange: Exchange): void {
    const { sequence, bytes } = this.#number(exchange);
    const sentBytes = libc.send(this.#fd, bytes, bytes.length, 0);
    this.#drain();
    if (this.#sent.delete(sequence)) exchange.reject(unanswered(sentBytes, undefined));
  }

  #number(exchange: Exchange): { readonly sequence: number; readonly bytes: Uint8Array } {
    // 1 to 2^32 - 1: events carry 0.
    this.#sequence = (this.#sequence % 0xffff_ffff) + 1;
    const sequence = this.#sequence;
    this.#sent.set(sequence, exchange);
    return { sequence, bytes: encodeMessage({ ...exchange.request, sequence }) };
  }

  #send(exchange: Exchange): void {
    const { sequence, bytes } = this.#number(exchange);
    this.#sending.add(bytes);
    this.#underWay += 1;
    libc.send.async(this.#fd, bytes, bytes.length, 0, (error: unknown, sentBytes: number) => {
      this.#sending.delete(bytes);
      this.#underWay -= 1;
      this.#drain();
      if (this.#sent.delete(sequence)) exchange.reject(unanswered(sentBytes, error));
      this.#sendQueued();
      this.#closeWhenIdle();
    });
  }

  #drain(): void {
    try {
      for (;;) {
        const received = this.#receive();
        if (received.kind === 'empty') return;
        if (received.kind === 'lost') this.#failSent(lost(received.detail));
        else for (const message of decodeMessages(received.bytes)) this.#take(message);
      }
    } catch (thrown) {
      this.#failSent(thrown);
    }
  }

  #take(message: NetlinkMessage): void {
    const exchange = this.#sent.get(message.sequence);
    if (exchange === undefined || message.type === NLMSG_NOOP) return;
    if ((message.flags & NLM_F_DUMP_INTR) !== 0) exchange.interrupted = true;
    if (message.type !== NLMSG_ERROR && message.type !== NLMSG_DONE) {
      // A copy, because the payload is a view of the buffer of the next read.
      if (exchange.request.keep?.(message) ?? true) {
        exchange.messages.push({ ...message, payload: message.payload.slice() });
      }
      return;
    }
    const { messages, interrupted } = exchange;
    exchange.resolve({ ...decodeAcknowledgement(message), messages, interrupted });
    this.#sent.delete(message.sequence);
  }

  /** Nobody knows whose reply is missing, so that all fail; the last of them may arrive yet and is then ignored. */
  #failSent(reason: unknown): void {
    for (const exchange of this.#sent.values()) exchange.reject(reason);
    this.#sent.clear();
  }

  #closeWhenIdle(): void {
    if (this.#closing === undefined || this.#underWay > 0) return;
    libc.close(this.#fd);
    this.#closing.resolve();
  }
}

function aborted(reason: unknown): MacvtapError {
  const text = reason instanceof Error ? reason.message : String(reason);
  return new MacvtapError('Aborted', `a netlink request was given up: ${text}`, { cause: reason });
}

function lost(detail: string): MacvtapError {
  return new MacvtapError('NetlinkLost', `the reply to a netlink request was lost: ${detail}; read the links again`);
}

function unanswered(sentBytes: number, cause: unknown): MacvtapError {
  const what = sentBytes < 0 ? 'did not take' : 'did not answer';
  return new MacvtapError('NetlinkUnavailable', `the kernel ${what} a netlink request; try again`, { cause });
}
