// Listeners and the sessions they make: counts clients, looks up their names, runs the hooks that come before
// the greeting, and ends in order.

import { AsyncLocalStorage } from 'node:async_hooks';
import { createServer, type Server, type Socket } from 'node:net';
import { isDenial } from '../contract/codes.ts';
import type { Incoming } from '../contract/connection.ts';
import type { Awaitable } from '../contract/hooks.ts';
import { declined, type Verdict } from '../contract/verdict.ts';
import type { Engine } from '../engine/engine.ts';
import type { Spool } from '../message/spool.ts';
import { formatReply } from '../protocol/reply.ts';
import { replyFor } from '../session/answers.ts';
import { Client, type Peer } from '../session/client.ts';
import { converse } from '../session/conversation.ts';
import { Session } from '../session/session.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import { type ListenAddress, showListenAddress } from './listen-address.ts';
import { SocketWire } from './socket-wire.ts';
import { YoungGeneration } from './young-generation.ts';

export interface ServerMeans {
  /** the engine for the next client: another one after a reload */
  engine(): Engine;
  readonly spool: Spool;
  readonly limits: ConnectionLimits;
  /** name of an address by the DNS; `Unknown` where there is none */
  reverseName(ip: string): Awaitable<string>;
}

// Longer queues of the kernel are cut to net.core.somaxconn anyway.
const BACKLOG = 1024;

export class SmtpServer {
  readonly #means: ServerMeans;
  readonly #listeners: Server[] = [];
  readonly #sockets = new Set<Socket>();
  /** the session on whose behalf code runs, for what fails where nobody waits for it */
  readonly #current = new AsyncLocalStorage<Session>();
  readonly #youngGeneration = new YoungGeneration();
  #serial = 0;
  /** clients that came before `open` */
  #early: (() => void)[] | null = [];
  #isStopping = false;
  #onEmpty: (() => void) | null = null;

  constructor(means: ServerMeans) {
    this.#means = means;
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** An error that nobody caught: ends the session that it belongs to, or is only logged where none can be told. */
  fault(text: string): void {
    const session = this.#current.getStore();
    if (session === undefined) this.#means.engine().log.write('crit', `error, ${text}`);
    else {
      session.log('crit', `error, ${text}`);
      session.fail();
    }
  }

  /** Binds an address. @throws Error with a sentence for the operator */
  listen(address: ListenAddress): Promise<ListenAddress> {
    // A client may close its side right after its last command and still read the replies.
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
    this.#listeners.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => reject(bindError(address, error)));
      const where = address.host === '' ? {} : { host: address.host };
      server.listen({ ...where, port: address.port, backlog: BACKLOG }, () => {
        server.removeAllListeners('error');
        server.on('error', (error) =>
          this.#means.engine().log.write('error', `error, cannot accept: ${error.message}`),
        );
        const bound = server.address();
        resolve(typeof bound === 'object' && bound !== null ? { ...address, port: bound.port } : address);
      });
    });
  }

  /** Begins to serve. Until then clients wait: nobody is served with rights that are about to be dropped. */
  open(): void {
    const early = this.#early ?? [];
    this.#early = null;
    for (const serve of early) serve();
  }

  /** No new clients; those there are get 421 at their next command. Resolves when all are gone, or at the limit. */
  async stop(limitMs: number): Promise<void> {
    this.#isStopping = true;
    for (const listener of this.#listeners) listener.close();
    if (this.#sockets.size === 0) return;
    const { deadlines } = this.#means.engine();
    await new Promise<void>((resolve) => {
      const deadline = deadlines.set(limitMs, resolve);
      this.#onEmpty = () => {
        deadlines.cancel(deadline);
        resolve();
      };
    });
    const reply = { code: 421, status: '4.3.2', lines: ['the server is shutting down'] } as const;
    for (const socket of this.#sockets) socket.write(formatReply(reply), () => socket.destroy());
  }

  #accept(socket: Socket): void {
    const remoteIp = plainIp(socket.remoteAddress);
    // A client that is gone already has no address any more.
    if (remoteIp === null) {
      socket.destroy();
      return;
    }
    const { limits } = this.#means;
    const refusal = limits.enter(remoteIp);
    this.#sockets.add(socket);
    socket.once('close', () => {
      limits.leave(remoteIp);
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#onEmpty?.();
    });
    if (refusal !== null) this.#turnAway(socket, remoteIp, refusal);
    else if (this.#early === null) this.#begin(socket, remoteIp);
    else {
      // A client may reset while it waits, and an error that nobody hears ends the process.
      socket.on('error', () => {});
      this.#early.push(() => this.#begin(socket, remoteIp));
    }
  }

  #begin(socket: Socket, remoteIp: string): void {
    this.#serve(socket, remoteIp).catch((error: unknown) => {
      // Nobody serves this client any more, and nothing else would ever end its connection.
      const why = error instanceof Error ? error.message : String(error);
      this.#means.engine().log.write('crit', `error, ${remoteIp} cannot be served: ${why}`);
      socket.destroy();
    });
  }

  #turnAway(socket: Socket, remoteIp: string, why: string): void {
    this.#means.engine().log.write('notice', `fail, ${remoteIp}: ${why}`);
    refuse(socket, formatReply({ code: 421, status: '4.7.0', lines: [`${why}, try again later`] }));
  }

  async #serve(socket: Socket, remoteIp: string): Promise<void> {
    const engine = this.#means.engine();
    const { clock, pid } = engine.world;
    const peer = new SocketPeer(socket, remoteIp);
    this.#serial++;
    this.#youngGeneration.noteClient();
    const client = new Client(`${pid}.${this.#serial}`, peer, clock.now());
    // From here on the socket has somebody who hears of its end, whatever is waited for below.
    const wire = new SocketWire(socket, engine.deadlines, () => client.lost());
    const verdict = await this.#beforeConnection(engine, peer);
    if (isDenial(verdict.code)) {
      const reply = replyFor('pre-connection', verdict);
      if (reply !== null) wire.write(formatReply(reply));
      return wire.close();
    }
    peer.remoteHost = await this.#means.reverseName(remoteIp);
    const session = new Session(engine, client, wire, {
      spool: this.#means.spool,
      sizeThreshold: () => engine.store.value('size_threshold'),
      now: () => clock.now(),
    });
    await this.#current.run(session, () => converse(session, this));
  }

  #beforeConnection(engine: Engine, peer: Peer): Awaitable<Verdict> {
    if (!engine.dispatcher.has('pre-connection')) return declined;
    const { limits } = this.#means;
    const incoming: Incoming = {
      remoteIp: peer.remoteIp,
      remotePort: peer.remotePort,
      localIp: peer.localIp,
      localPort: peer.localPort,
      connectionsFromIp: limits.countFrom(peer.remoteIp),
      maxFromIp: limits.settings.fromIp,
    };
    const nobody = { connection: null, transaction: null, verdicts: null };
    return engine.dispatcher.decide('pre-connection', nobody, incoming);
  }
}

/** Facts of a socket. The own side costs a system call, which is made when somebody asks. */
class SocketPeer implements Peer {
  readonly remoteIp: string;
  readonly service = { tls: false, lmtp: false };
  remoteHost = 'Unknown';
  readonly #socket: Socket;

  constructor(socket: Socket, remoteIp: string) {
    this.#socket = socket;
    this.remoteIp = remoteIp;
  }

  get remoteInfo(): string {
    return this.remoteHost;
  }
  get remotePort(): number {
    return this.#socket.remotePort ?? 0;
  }
  get localIp(): string {
    return plainIp(this.#socket.localAddress) ?? '';
  }
  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }
}

function refuse(socket: Socket, text: string): void {
  socket.on('error', () => {});
  socket.end(text, 'latin1', () => socket.destroySoon());
}

/** IPv4 addresses come in the IPv6 form where the listener is for both. */
function plainIp(address: string | undefined): string | null {
  if (address === undefined) return null;
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  return plain.replace(/%.*$/, '');
}

function bindError(address: ListenAddress, error: NodeJS.ErrnoException): Error {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'the port is in use by another program',
    EACCES: 'ports below 1024 need root, or the capability CAP_NET_BIND_SERVICE',
    EADDRNOTAVAIL: 'this host has no such address',
    ENOTFOUND: 'there is no such host name',
  };
  const why = reasons[error.code ?? ''] ?? error.message;
  return new Error(`${showListenAddress(address)}: ${why}`);
}
