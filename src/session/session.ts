// One client: its wire, what it has sent and not yet read, its connection facts, the transaction under way, and
// the replies that wait to leave. Knows no command; the conversation and the verbs use it.

import { isDenial, type LogLevel } from '../contract/codes.ts';
import type { Asked, AskHook, Awaitable, DecideHook, HookArgs, WatchHook } from '../contract/hooks.ts';
import type { TlsFacts, TlsSettings } from '../contract/tls.ts';
import type { Verdict } from '../contract/verdict.ts';
import { whenReady } from '../contract/when-ready.ts';
import type { Scene } from '../engine/call.ts';
import type { Engine } from '../engine/engine.ts';
import type { LogSource } from '../log/log.ts';
import { MessageTransaction, type TransactionMeans } from '../message/message-transaction.ts';
import type { VerdictLog } from '../message/verdict-log.ts';
import { LineReader } from '../protocol/line-reader.ts';
import { formatReply, type Reply } from '../protocol/reply.ts';
import { type AnsweredHook, disconnects, replyFor, syntaxReplyFor } from './answers.ts';
import { type Mechanism, NO_MECHANISMS } from './auth-mechanisms.ts';
import type { ChunkedMessage } from './chunked-message.ts';
import type { Client, ClientLine, Peer } from './client.ts';
import type { DeliveredBefore } from './delivered-before.ts';
import { SessionLimits } from './limits.ts';
import type { LoginGuard } from './login-guard.ts';
import type { TransferPace } from './pace.ts';
import type { Chunk, Wire } from './wire.ts';

export type EndReason = 'quit' | 'denied' | 'lost' | 'timeout' | 'shutdown' | 'error';

/** What a session needs of the server around it. */
export interface SessionMeans extends TransactionMeans {
  /** one for the whole server */
  readonly logins: LoginGuard;
  /** one for the whole server */
  readonly delivered: DeliveredBefore;
}

/** What an asking hook has led to. */
export interface Given<V> {
  readonly value?: V;
  readonly denial?: Verdict;
}

const NOTHING_GIVEN: Given<never> = {};

export class Session implements Scene, LogSource, ClientLine {
  readonly engine: Engine;
  readonly limits: SessionLimits;
  readonly input = new LineReader();
  readonly #wire: Wire;
  readonly means: SessionMeans;
  #connection: Client;
  #transaction: MessageTransaction;
  mailCommands = 0;
  /** messages that have come in whole, whatever became of them */
  messages = 0;
  /** chunks of messages that were taken, but for empty ones */
  chunks = 0;
  /** the message that comes by BDAT; null where none does */
  chunked: ChunkedMessage | null = null;
  /** what AUTH takes; empty until EHLO has been answered */
  mechanisms: readonly Mechanism[] = NO_MECHANISMS;
  failedLogins = 0;
  /** replies that refused something */
  refusals = 0;
  /** of the message under way; null before it was waited for */
  pace: TransferPace | null = null;
  /** whether the client might relay before its login */
  relayedBeforeLogin = false;
  #replies = '';
  #isStartingTls = false;
  #ended: EndReason | null = null;

  constructor(engine: Engine, client: Client, wire: Wire, means: SessionMeans) {
    this.engine = engine;
    this.limits = new SessionLimits(engine);
    this.#connection = client;
    this.#wire = wire;
    this.means = means;
    this.#transaction = new MessageTransaction(means);
    client.attach(this);
  }

  get connection(): Client {
    return this.#connection;
  }
  get transaction(): MessageTransaction {
    return this.#transaction;
  }
  get verdicts(): VerdictLog {
    return this.#transaction.verdicts;
  }
  get plugin(): null {
    return null;
  }
  get hook(): null {
    return null;
  }

  /** Why the conversation is over; null while it goes on. */
  get ended(): EndReason | null {
    return this.#ended;
  }

  /** The conversation is over; replies still leave. The first reason counts. */
  end(reason: EndReason): void {
    this.#ended ??= reason;
  }

  /** Nobody is there any more to take a reply. */
  get isClientGone(): boolean {
    return this.#wire.broken || (this.#wire.ended && this.input.isEmpty);
  }

  decide<H extends DecideHook>(hook: H, ...args: HookArgs<H>): Awaitable<Verdict> {
    return this.engine.dispatcher.decide(hook, this, ...args);
  }

  /** What a plugin gives in place of the core's own reading; nothing when none does. */
  ask<H extends AskHook>(hook: H, ...args: HookArgs<H>): Awaitable<Given<Asked<H>>> {
    const { dispatcher } = this.engine;
    if (!dispatcher.has(hook)) return NOTHING_GIVEN;
    return whenReady(dispatcher.ask(hook, this, ...args), (given) => {
      if ('value' in given) return { value: given.value };
      return isDenial(given.code) ? { denial: given } : NOTHING_GIVEN;
    });
  }

  watch<H extends WatchHook>(hook: H, ...args: HookArgs<H>): Awaitable<void> {
    return this.engine.dispatcher.watch(hook, this, ...args);
  }

  reply(reply: Reply): void {
    if (reply.code >= 400) this.refusals++;
    const text = formatReply(reply);
    if (this.engine.log.enabled('info')) {
      for (const line of text.trimEnd().split('\r\n')) this.log('info', line);
    }
    this.#replies += text;
  }

  /** Says what a verdict means, and ends the conversation where it says so. */
  answer(hook: AnsweredHook, verdict: Verdict, subject?: string): void {
    const reply = replyFor(hook, verdict, subject);
    if (reply !== null) this.reply(reply);
    if (disconnects(verdict.code)) this.end('denied');
  }

  /** Says that a parsing hook does not accept the argument of a command. */
  answerSyntax(denial: Verdict, problem: string): void {
    this.reply(syntaxReplyFor(denial, problem));
    if (disconnects(denial.code)) this.end('denied');
  }

  /** Sends the replies that wait, in one write. */
  flush(): void {
    if (this.#replies === '') return;
    this.#wire.write(this.#replies);
    this.#replies = '';
  }

  /** The next octets of the client, after all replies have left. @param since when they were first waited for */
  read(now = this.limits.now(), since = now): Awaitable<Chunk> {
    // A handler that has run out of time left a handshake behind: nobody can speak until that is over.
    if (this.#isStartingTls) return 'ended';
    this.flush();
    const patience = this.limits.patience(since, now);
    return patience > 0 ? this.#wire.read(patience) : 'timeout';
  }

  async hasInput(waitMs: number): Promise<boolean> {
    return !this.input.isEmpty || (await this.#wire.peek(waitMs));
  }

  async startTls(settings: TlsSettings, announcement?: Reply): Promise<TlsFacts> {
    if (announcement !== undefined) {
      // What a client says behind STARTTLS before the handshake may be somebody else's (RFC 3207 section 5).
      this.#dropInput();
      this.reply(announcement);
    }
    this.flush();
    this.#isStartingTls = true;
    try {
      const facts = await this.#wire.startTls(settings);
      this.connection.tls = facts;
      await this.forgetClient();
      return facts;
    } catch (error) {
      this.end('lost');
      throw error;
    } finally {
      this.#isStartingTls = false;
    }
  }

  #dropInput(): void {
    const dropped = (this.input.takeAll()?.length ?? 0) + this.#wire.dropInput();
    if (dropped > 0) this.log('warn', `fail, ${dropped} octets sent in clear behind STARTTLS are dropped`);
  }

  /** Forgets what the client has said of itself, as if it had just connected. */
  async forgetClient(): Promise<void> {
    await this.resetTransaction();
    const { connection } = this;
    connection.hello = null;
    connection.forwarded = null;
    if (connection.authentication?.passed) connection.relayClient = this.relayedBeforeLogin;
    connection.authentication = null;
    this.mechanisms = NO_MECHANISMS;
  }

  /** Goes on with another client, of whom nothing is known yet (XCLIENT). */
  async changeClient(peer: Peer): Promise<void> {
    await this.forgetClient();
    this.relayedBeforeLogin = false;
    this.#connection = this.#connection.successor(peer);
    this.#connection.attach(this);
  }

  /** Something broke that this session had begun, outside of any handler that could be told: it ends here. */
  fail(): void {
    if (this.#ended === null) {
      this.reply({ code: 421, status: '4.3.0', lines: ['the server has a problem, try again later'] });
    }
    this.end('error');
    this.close();
  }

  close(): void {
    this.flush();
    this.#wire.close(this.#ended === 'quit' && this.input.isEmpty);
  }

  /** Ends the transaction under way and begins an empty one. */
  resetTransaction(): Awaitable<void> {
    return whenReady(this.watch('reset_transaction'), () => {
      this.chunked = null;
      this.pace = null;
      const old = this.#transaction;
      // XFORWARD comes before the MAIL that it is about, and MAIL ends the transaction before it.
      if (old.sender !== null) this.#connection.forwarded = null;
      this.#transaction = new MessageTransaction(this.means);
      old.end();
      return old.holdsResources ? old.dispose() : undefined;
    });
  }

  log(level: LogLevel, text: string): void {
    this.engine.log.write(level, text, this);
  }
}
