// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

/** A message of qemu: an answer to a command, or an event. */
interface Message {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
  readonly event?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface QemuCommand {
  readonly execute: string;
  readonly arguments?: object;
  /** The event after which the command has taken effect: its name and the device. Without one, the answer is enough. */
  readonly event?: { readonly name: string; readonly device: string };
}

/** How long a failing command waits. A guest that still boots does not release a card. */
const guardMs = 120_000;

/**
 * Gives a running qemu a command through its socket (QEMU Machine Protocol, qemu-qmp-ref(7)). Raises an error with
 * qemu's reason, or if the awaited event does not happen.
 */
export async function askQemu(
  socket: string,
  { event, ...command }: QemuCommand,
  over = AbortSignal.timeout(guardMs),
): Promise<void> {
  const connection = connect(socket);
  using scope = new DisposableStack();
  scope.defer(() => connection.destroy());
  await once(connection, 'connect');
  const giveUp = () => connection.destroy();
  over.addEventListener('abort', giveUp);
  scope.defer(() => over.removeEventListener('abort', giveUp));
  const lines = createInterface({ input: connection });
  // A connection that breaks has ended, and an end of either kind ends the lines.
  connection.on('error', () => {}).once('close', () => lines.close());
  const send = (one: object) => connection.write(`${JSON.stringify(one)}\n`);
  // The capabilities are negotiated before anything else.
  send({ execute: 'qmp_capabilities' });
  let answers = 0;
  for await (const line of lines) {
    const message = JSON.parse(line) as Message;
    if (message.error !== undefined) throw new Error(`qemu refuses ${command.execute}: ${message.error.desc}`);
    if (message.return !== undefined) {
      answers += 1;
      if (answers === 1) send(command);
      else if (event === undefined) return;
    }
    if (event !== undefined && message.event === event.name && message.data?.device === event.device) return;
  }
  if (over.aborted) throw new Error(`${command.execute}: no ${wanted(event)}`);
  throw new Error(`qemu ended during ${command.execute}`);
}

function wanted(event: QemuCommand['event']): string {
  return event === undefined ? 'answer' : `event ${event.name} of ${event.device}`;
}
