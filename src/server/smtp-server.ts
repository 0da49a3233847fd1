// Listeners and the sessions they make: counts clients, looks up their names, runs the hooks that come before
// the greeting, and ends in order.

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Socket } from 'node:net';
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
import { DeliveredBefore } from '../session/delivered-before.ts';
import { STRESSED_SILENCE } from '../session/limits.ts';
import { LoginGuard } from '../session/login-guard.ts';
import { Session } from '../session/session.ts';
import type { HeldSocket, OpenSocket } from './bound-sockets.ts';
import {
  type Caller,
  directPeer,
  type Entrance,
  type FoundPeer,
  peerBehindProxy,
  refuse,
  tryLater,
} from './caller.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import type { ListenAddress } from './listen-address.ts';
import { Listeners } from './listeners.ts';
import { type MemoryFigures, memoryFigures, Overload } from './overload.ts';
import { LOCAL_IP, type NamedPeer, plainIp, tlsAtProxy } from './peers.ts';
import { type ProxyRule, proxyRule } from './proxy-preamble.ts';
import type { SocketOwner } from './socket-file.ts';
import { SocketWire } from './socket-wire.ts';
import { YoungGeneration } from './young-generation.ts';

export interface ServerMeans {
  /** the engine for the next client: another one after a reload */
  engine(): Engine;
  readonly spool: Spool;
  readonly limits: ConnectionLimits;
  /** one for all workers of a server */
  readonly logins?: LoginGuard;
  /** the same */
  readonly delivered?: DeliveredBefore;
  /** what the process has and may have of memory, where a test wants it otherwise */
  readonly memory?: () => MemoryFigures;
  /** name of an address by the DNS; `Unknown` where there is none */
  reverseName(ip: string): Awaitable<string>;
}

export class SmtpServer {
  readonly #means: ServerMeans;
  readonly #listeners: Listeners;
  /** with the wires of those that are served */
  readonly #sockets = new Map<Socket, SocketWire | null>();
  /** the session on whose behalf code runs, for what fails where nobody waits for it */
  readonly #current = new AsyncLocalStorage<Session>();
  readonly #youngGeneration = new YoungGeneration();
  readonly #logins: LoginGuard;
  readonly #delivered: DeliveredBefore;
  readonly #overload: Overload;
  #serial = 0;
  /** clients that came before `open` */
  #early: (() => void)[] | null = [];
  #isStopping = false;
  /** others go on with the sockets */
  #isRetired = false;
  #onEmpty: (() => void) | null = null;
  /** the service of the client that came last */
  #served: Promise<void> = Promise.resolve();

  constructor(means: ServerMeans) {
    this.#means = means;
    this.#listeners = new Listeners({
      accepted: (socket, entrance) => this.#accept(socket, entrance),
      failed: ({ message }) => means.engine().log.write('error', `error, cannot accept: ${message}`),
    });
    this.#logins = means.logins ?? new LoginGuard();
    this.#delivered = means.delivered ?? new DeliveredBefore();
    this.#overload = new Overload({
      most: means.limits.settings.connections,
      memory: means.memory ?? memoryFigures,
      log: (level, text) => means.engine().log.write(level, text),
      onStress: () => {
        for (const wire of this.#sockets.values()) wire?.hurry(STRESSED_SILENCE);
      },
    });
  }

  get isStressed(): boolean {
    return this.#overload.isStressed;
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

  /**
   * Binds an address. Gives it with the port that counts.
   *
   * @param owner of a socket file; null: whoever runs this
   * @throws Error with a sentence for the operator
   */
  listen<A extends ListenAddress>(address: A, owner: SocketOwner | null = null): Promise<A> {
    return this.#listeners.bind(address, owner);
  }

  /** Takes clients of a socket that was bound before. */
  take(held: HeldSocket): Promise<void> {
    return this.#listeners.take(held);
  }

  /** The same of one that somebody else sees to: a parent process, or systemd. */
  adopt(address: ListenAddress, fd: number): Promise<void> {
    return this.#listeners.adopt({ address, fd, isOurs: false });
  }

  /** Those that another process could go on with. */
  get sockets(): readonly OpenSocket[] {
    return this.#listeners.sockets;
  }

  /** Serves one client whose connection somebody else has accepted. Resolves when it is gone. @param peer who it is; null: ask the socket */
  async attend(socket: Socket, address: ListenAddress, peer: NamedPeer | null): Promise<void> {
    const { tls = false, lmtp = false } = address;
    const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    this.#accept(socket, { address, service: { tls, lmtp } }, peer);
    await gone;
    await this.#served;
  }

  /** Begins to serve. Until then clients wait: nobody is served with rights that are about to be dropped. */
  open(): void {
    const early = this.#early ?? [];
    this.#early = null;
    this.#means.engine().deadlines.onSweep(() => this.#overload.sweep());
    for (const serve of early) serve();
  }

  /** One line for operators: how many clients there are, and whether that is too much. */
  get status(): string {
    const { limits, engine } = this.#means;
    const { connections } = limits.settings;
    const megabytes = Math.round(process.memoryUsage.rss() / 2 ** 20);
    const facts = [
      `${limits.total} connections${connections > 0 ? ` of ${connections}` : ''} from ${limits.addresses} addresses`,
      `${this.#sockets.size} sockets`,
      `${engine().deadlines.size} deadlines`,
      `${megabytes} MiB`,
    ];
    if (this.#overload.isStressed) facts.push('under stress');
    if (this.#overload.isShortOfMemory) facts.push('short of memory');
    return facts.join(', ');
  }

  /** No new clients; those there are stay as long as they like. Resolves when all are gone. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    this.#listeners.close();
    if (this.#sockets.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  /** No new clients; those there are get 421 at their next command. Resolves when all are gone, or at the limit. */
  async stop(limitMs: number): Promise<void> {
    this.#isStopping = true;
    this.#listeners.close();
    if (!this.#isRetired) this.#listeners.removeFiles();
    if (this.#sockets.size === 0) return this.#onEmpty?.();
    const { deadlines } = this.#means.engine();
    const retired = this.#onEmpty;
    await new Promise<void>((resolve) => {
      const deadline = deadlines.set(limitMs, resolve);
      this.#onEmpty = () => {
        deadlines.cancel(deadline);
        resolve();
        retired?.();
      };
    });
    const reply = { code: 421, status: '4.3.2', lines: ['the server is shutting down'] } as const;
    const text = formatReply(reply);
    for (const [socket, wire] of this.#sockets) {
      // Under TLS only the wire knows how to say it.
      if (wire !== null) wire.tearDown(text);
      else socket.write(text, () => socket.destroy());
    }
  }

  #accept(socket: Socket, entrance: Entrance, named: NamedPeer | null = null): void {
    const isLocal = 'path' in entrance.address;
    const ip = named?.remoteIp ?? (isLocal ? LOCAL_IP : plainIp(socket.remoteAddress));
    // A client that is gone already has no address any more.
    if (ip === null) {
      socket.destroy();
      return;
    }
    const rule = named === null ? this.#proxyRule(entrance, ip) : 'none';
    const isNamed = !isLocal && (rule === 'none' || rule === 'refuse');
    const caller: Caller = { socket, ip, entrance, rule, named, countedAs: isNamed ? ip : null };
    const refusal = this.#count(caller);
    if (rule === 'refuse')
      this.#hangUp(caller, 'is not in proxy_networks, and only proxies may connect here');
    else if (refusal !== null) this.#turnAway(caller, refusal);
    else if (this.#early === null) this.#begin(caller);
    else {
      // A client may reset while it waits, and an error that nobody hears ends the process.
      socket.on('error', () => {});
      this.#early.push(() => this.#begin(caller));
    }
  }

  #proxyRule({ address }: Entrance, ip: string): ProxyRule {
    const { store, proxySources } = this.#means.engine();
    return proxyRule(address, ip, store.value('proxy_networks'), proxySources);
  }

  /** Counts a client as long as it is there. Gives why it may not stay, or null. */
  #count(caller: Caller): string | null {
    const { limits } = this.#means;
    const { socket } = caller;
    const refusal =
      limits.enter(caller.countedAs) ?? (this.#overload.isShortOfMemory ? 'too little memory' : null);
    this.#overload.note(limits.total);
    this.#sockets.set(socket, null);
    socket.once('close', () => {
      limits.leave(caller.countedAs);
      this.#overload.note(limits.total);
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#onEmpty?.();
    });
    return refusal;
  }

  #begin(caller: Caller): void {
    this.#served = this.#serve(caller).catch((error: unknown) => {
      // Nobody serves this client any more, and nothing else would ever end its connection.
      const why = error instanceof Error ? error.message : String(error);
      this.#means.engine().log.write('crit', `error, ${caller.ip} cannot be served: ${why}`);
      caller.socket.destroy();
    });
  }

  #hangUp({ socket, ip }: Caller, why: string): void {
    this.#means.engine().log.write('notice', `fail, ${ip}: ${why}`);
    refuse(socket, '');
  }

  #turnAway({ socket, ip }: Caller, why: string): void {
    const isTheirs = why === 'too many connections from your address';
    if (isTheirs) this.#means.engine().log.write('notice', `fail, ${ip}: ${why}`);
    else this.#overload.turnAway();
    refuse(socket, tryLater(why));
  }

  async #serve(caller: Caller): Promise<void> {
    const { socket, entrance } = caller;
    const engine = this.#means.engine();
    const { clock, pid } = engine.world;
    this.#serial++;
    const id = `${pid}.${this.#serial}`;
    this.#youngGeneration.noteClient();
    let client: Client | null = null;
    let session: Session | null = null;
    // From here on the socket has somebody who hears of its end, whatever is waited for below.
    const onLost = () => (session?.connection ?? client)?.lost();
    const onEnded = () => session?.connection.leftWhileQueuing();
    const wire = new SocketWire(socket, engine.deadlines, onLost, onEnded);
    // A client that had to wait may be gone.
    if (this.#sockets.has(socket)) this.#sockets.set(socket, wire);
    const isDirect = caller.rule === 'none';
    const found = isDirect ? directPeer(caller) : await this.#peerBehindProxy(caller, wire, engine);
    if (found === null) return wire.close();
    const { peer } = found;
    client = new Client(id, peer, clock.now());
    if (found.tls !== null && !entrance.service.tls) client.tls = tlsAtProxy(found.tls);
    if (wire.broken) client.lost();
    const verdict = await this.#beforeConnection(engine, peer);
    if (isDenial(verdict.code)) {
      const reply = replyFor('pre-connection', verdict);
      if (reply !== null) wire.write(formatReply(reply));
      return wire.close();
    }
    if (caller.named === null) peer.remoteHost = await this.#means.reverseName(peer.remoteIp);
    session = new Session(engine, client, wire, {
      spool: this.#means.spool,
      sizeThreshold: () => engine.store.value('size_threshold'),
      now: () => clock.now(),
      logins: this.#logins,
      delivered: this.#delivered,
    });
    const conversation = session;
    await this.#current.run(conversation, () => converse(conversation, this));
  }

  #peerBehindProxy(caller: Caller, wire: SocketWire, engine: Engine): Promise<FoundPeer | null> {
    const { limits } = this.#means;
    return peerBehindProxy(caller, wire, { engine, limits, isThere: () => this.#sockets.has(caller.socket) });
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
