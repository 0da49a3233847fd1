// The listening sockets of a process that serves: bound by itself, or by somebody before it.

import { createServer, type Server, type Socket } from 'node:net';
import { BACKLOG, listening } from './bind.ts';
import { type HeldSocket, holdSocket, type OpenSocket } from './bound-sockets.ts';
import type { Entrance } from './caller.ts';
import type { ListenAddress } from './listen-address.ts';
import type { SocketOwner } from './socket-file.ts';

export interface ListenerEvents {
  accepted(socket: Socket, entrance: Entrance): void;
  failed(error: Error): void;
}

export class Listeners {
  readonly #events: ListenerEvents;
  readonly #servers: Server[] = [];
  readonly #held: HeldSocket[] = [];
  readonly #open: OpenSocket[] = [];

  constructor(events: ListenerEvents) {
    this.#events = events;
  }

  /** Those that another process could go on with. */
  get sockets(): readonly OpenSocket[] {
    return this.#open;
  }

  /** @throws Error with a sentence for the operator */
  async bind<A extends ListenAddress>(address: A, owner: SocketOwner | null): Promise<A> {
    const held = await holdSocket(address, owner);
    await this.take(held);
    return { ...address, ...held.address };
  }

  /** Takes clients of a socket, and sees to its file at the end. */
  async take(held: HeldSocket): Promise<void> {
    this.#held.push(held);
    const { fd, handle } = held;
    await this.#listen(held, handle === null ? { fd } : { handle });
  }

  /** Takes clients of a socket that somebody else sees to. */
  async adopt(socket: OpenSocket): Promise<void> {
    await this.#listen(socket, { fd: socket.fd });
  }

  /** No new clients. Others may go on with the sockets. */
  close(): void {
    for (const server of this.#servers) server.close();
  }

  /** The end of the sockets. */
  removeFiles(): void {
    for (const held of this.#held) held.removeFile();
  }

  async #listen({ fd, address, isOurs }: OpenSocket, from: Parameters<Server['listen']>[0]): Promise<void> {
    const { tls = false, lmtp = false } = address;
    const entrance: Entrance = { address, service: { tls, lmtp } };
    // A client may close its side right after its last command and still read the replies.
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#events.accepted(socket, entrance),
    );
    this.#servers.push(server);
    await listening(server, () => server.listen({ ...(from as object), backlog: BACKLOG }));
    this.#open.push({ fd, address, isOurs });
    server.on('error', (error) => this.#events.failed(error));
  }
}
