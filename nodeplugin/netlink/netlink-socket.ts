// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { libc } from './libc.ts';
import {
  decodeAcknowledgement,
  decodeMessages,
  encodeMessage,
  type NetlinkMessage,
  type NetlinkRequest,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_NOOP,
} from './message.ts';
import { makeReceiver, openDescriptor } from './socket-descriptor.ts';

/** The kernel's reply to a request. An `errno` of 0 means success. */
export interface Reply {
  readonly errno: number;
  /** The kernel's explanation of an error, if any. */
  readonly text?: string;
  readonly messages: readonly NetlinkMessage[];
  /** Whether a change interrupted the dump, so that it may be inconsistent. */
  readonly interrupted: boolean;
}

/** The part of the socket that its users need. Tests pass an object literal instead. */
export type Requester = Pick<NetlinkSocket, 'request'>;
export type BatchRequester = Pick<NetlinkSocket, 'request' | 'requestAll'>;

interface Exchange {
  readonly request: NetlinkRequest;
  readonly messages: NetlinkMessage[];
  interrupted: boolean;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Sends requests on an rtnetlink socket and returns their replies.
 *
 * The kernel handles a request inside send(), which may wait a long time for the kernel's network lock (rtnl_lock).
 * send() therefore runs on a thread of libuv's pool. The pool has only four threads by default, so at most
 * `concurrency` requests of a socket run at once. Further requests wait in the socket's queue.
 *
 * When send() returns, the reply is in the socket's buffer, so no polling is needed. For a dump, the buffer contains
 * the first part, and each recv() makes the kernel add the next part.
 *
 * A brief request is sent immediately on the main thread, because it takes less time than a switch to another thread.
 */
export class NetlinkSocket implements AsyncDisposable {
  readonly #fd: number;
  readonly #receive: ReturnType<typeof makeReceiver>;
  readonly #concurrency: number;
  /** The requests that wait. Those of one entry are sent together. */
  readonly #queue: (readonly Exchange[])[] = [];
  /**
   * Sent requests without a reply, by sequence number. An aborted request stays here until its reply arrives; the reply
   * is then ignored.
   */
  readonly #sent = new Map<number, Exchange>();
  /**
   * The bytes of running send() calls. koffi keeps only their address, so this set keeps them from being garbage
   * collected.
   */
  readonly #sending = new Set<Uint8Array>();
  #underWay = 0;
  #sequence = 0;
  #closing: PromiseWithResolvers<void> | undefined;

  /**
   * Takes over `opened`, an rtnetlink socket of another namespace. Without `opened`, opens a socket in the process's
   * namespace. If `strict` is set, a dump contains only what matches the fields of its request. Raises
   * `NetlinkUnavailable`.
   */
  constructor(options: { readonly concurrency: number; readonly strict?: boolean; readonly opened?: number }) {
    // At any time, the buffer holds at most one part of a dump (32 KiB), and one short acknowledgement for each request
    // without a reply. Together, these need far less than 256 KiB.
    this.#fd = openDescriptor({
      receiveBufferBytes: 256 * 1024,
      strict: options.strict ?? false,
      opened: options.opened,
    });
    this.#receive = makeReceiver(this.#fd);
    this.#concurrency = options.concurrency;
  }

  /**
   * Sends a request and waits for its reply. Raises `Aborted` if the signal aborts or the socket closes first. The
   * kernel still carries out a request that was already sent. Also raises `NetlinkLost`, `NetlinkMalformed` and
   * `NetlinkUnavailable`.
   */
  request(request: NetlinkRequest, signal?: AbortSignal): Promise<Reply> {
    if (this.#closing !== undefined) return Promise.reject(aborted('the socket is closed'));
    if (signal?.aborted) return Promise.reject(aborted(signal.reason));
    const { promise, exchange } = createExchange(request);
    const together = [exchange];
    const onAbort = () => {
      const index = this.#queue.indexOf(together);
      if (index >= 0) this.#queue.splice(index, 1);
      exchange.reject(aborted(signal?.reason));
    };
    if (request.isBrief) {
      this.#sendNow(exchange);
      return promise;
    }
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#queue.push(together);
    this.#sendQueued();
    return promise.finally(() => signal?.removeEventListener('abort', onAbort));
  }

  /**
   * Sends requests in one datagram. The kernel handles them in this order, also after one of them has failed. Raises
   * the same errors as `request`.
   */
  requestAll(requests: readonly NetlinkRequest[]): Promise<readonly Reply[]> {
    if (this.#closing !== undefined) return Promise.reject(aborted('the socket is closed'));
    const created = requests.map(createExchange);
    this.#queue.push(created.map(({ exchange }) => exchange));
    this.#sendQueued();
    return Promise.all(created.map(({ promise }) => promise));
  }

  /** Rejects waiting requests, closes the descriptor after the last send() has returned, and then resolves. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing === undefined) {
      this.#closing = Promise.withResolvers();
      const waiting = [...this.#queue.splice(0).flat(), ...this.#sent.values()];
      for (const exchange of waiting) exchange.reject(aborted('the socket was closed'));
      this.#closeWhenIdle();
    }
    await this.#closing.promise;
  }

  #sendQueued(): void {
    while (this.#underWay < this.#concurrency) {
      const exchanges = this.#queue.shift();
      if (exchanges === undefined) return;
      this.#send(exchanges);
    }
  }

  #sendNow(exchange: Exchange): void {
    const { sequence, bytes } = this.#number(exchange);
    const sentBytes = libc.send(this.#fd, bytes, bytes.length, 0);
    this.#drain();
    if (this.#sent.delete(sequence)) exchange.reject(unanswered(sentBytes, undefined));
  }

  #number(exchange: Exchange): { readonly sequence: number; readonly bytes: Uint8Array } {
    // Sequence numbers run from 1 to 2^32 - 1, because events have 0.
    this.#sequence = (this.#sequence % 0xffff_ffff) + 1;
    const sequence = this.#sequence;
    this.#sent.set(sequence, exchange);
    return { sequence, bytes: encodeMessage({ ...exchange.request, sequence }) };
  }

  #send(exchanges: readonly Exchange[]): void {
    const numbered = exchanges.map((exchange) => ({ exchange, ...this.#number(exchange) }));
    const [only] = numbered;
    const bytes = only && numbered.length === 1 ? only.bytes : Buffer.concat(numbered.map((one) => one.bytes));
    this.#sending.add(bytes);
    this.#underWay += 1;
    libc.send.async(this.#fd, bytes, bytes.length, 0, (error: unknown, sentBytes: number) => {
      this.#sending.delete(bytes);
      this.#underWay -= 1;
      this.#drain();
      for (const { exchange, sequence } of numbered) {
        if (this.#sent.delete(sequence)) exchange.reject(unanswered(sentBytes, error));
      }
      this.#sendQueued();
      this.#closeWhenIdle();
    });
  }

  #drain(): void {
    try {
      // Without an outstanding reply, the socket is empty, so the last read would only show that. After a loss, it is
      // read to the end, because the kernel sends the rest of a dump only then.
      for (let hasLost = false; hasLost || this.#sent.size > 0; ) {
        const received = this.#receive();
        if (received.kind === 'empty') return;
        if (received.kind === 'lost') {
          hasLost = true;
          this.#failSent(lost(received.detail));
        } else for (const message of decodeMessages(received.bytes)) this.#take(message);
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
      // The payload is copied, because it is a view of the buffer that the next read overwrites.
      if (exchange.request.keep?.(message) ?? true) {
        exchange.messages.push({ ...message, payload: message.payload.slice() });
      }
      return;
    }
    const { messages, interrupted } = exchange;
    exchange.resolve({ ...decodeAcknowledgement(message), messages, interrupted });
    this.#sent.delete(message.sequence);
  }

  /**
   * Rejects all sent requests after a reply was lost or was malformed, because it may belong to any of them. Replies
   * that arrive later are ignored.
   */
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

function createExchange(request: NetlinkRequest): { readonly exchange: Exchange; readonly promise: Promise<Reply> } {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  return { promise, exchange: { request, messages: [], interrupted: false, resolve, reject } };
}

function aborted(reason: unknown): MacvtapError {
  const text = reason instanceof Error ? reason.message : String(reason);
  return new MacvtapError('Aborted', `a netlink request was cancelled: ${text}`, { cause: reason });
}

function lost(detail: string): MacvtapError {
  return new MacvtapError('NetlinkLost', `the reply to a netlink request was lost: ${detail}; read the links again`);
}

function unanswered(sentBytes: number, cause: unknown): MacvtapError {
  const what = sentBytes < 0 ? 'did not accept' : 'did not answer';
  return new MacvtapError('NetlinkUnavailable', `the kernel ${what} a netlink request; try again`, { cause });
}
