// One call of one handler: the `at` that it is given. Cheap to make, as there is one for each; whatever it
// may need beyond its fields is made when it asks.

import type { AtEnvelope, Logger, RejectOptions } from '../contract/at.ts';
import type { Denial, LogLevel } from '../contract/codes.ts';
import type { Connection, Transaction } from '../contract/connection.ts';
import type { Awaitable, HookName } from '../contract/hooks.ts';
import type { Verdict } from '../contract/verdict.ts';
import type { Log, LogSource } from '../log/log.ts';
import type { VerdictLog } from '../message/verdict-log.ts';
import type { Address } from '../protocol/address.ts';
import type { BoundHandler } from './registry.ts';
import { applyReject } from './rejection.ts';

/** The conversation that a hook runs in. */
export interface Scene {
  readonly connection: Connection | null;
  readonly transaction: Transaction | null;
  /** where answers of handlers are recorded */
  readonly verdicts: VerdictLog | null;
}

/** What calls need of the engine. */
export interface CallMeans {
  readonly log: Log;
  lookUp(file: string, call: Call, user: Address | null): Awaitable<readonly string[]>;
}

export class Call implements LogSource {
  readonly connection: Connection | null;
  readonly transaction: Transaction | null;
  readonly bound: BoundHandler;
  readonly scene: Scene;
  readonly #means: CallMeans;
  #log: Logger | null = null;
  #controller: AbortController | null = null;
  #signal: AbortSignal | null = null;
  #timedOut: Error | null = null;

  constructor(means: CallMeans, bound: BoundHandler, scene: Scene) {
    this.#means = means;
    this.bound = bound;
    this.scene = scene;
    this.connection = scene.connection;
    this.transaction = scene.transaction;
  }

  get hook(): HookName {
    return this.bound.hook;
  }

  get plugin(): string {
    return this.bound.plugin;
  }

  get log(): Logger {
    this.#log ??= new SourceLogger(this.#means.log, this, (level) => this.bound.instance.adjustLevel(level));
    return this.#log;
  }

  get signal(): AbortSignal {
    if (this.#signal === null) {
      this.#controller = new AbortController();
      if (this.#timedOut !== null) this.#controller.abort(this.#timedOut);
      const own = this.#controller.signal;
      // `any` holds on to nothing: a listener on the connection would keep each of its calls until it ends.
      this.#signal = this.connection === null ? own : AbortSignal.any([own, this.connection.signal]);
    }
    return this.#signal;
  }

  /** The handler has used up its time. */
  abort(reason: Error): void {
    this.#timedOut = reason;
    this.#controller?.abort(reason);
  }

  config(file: string, user?: Address): Awaitable<readonly string[]> {
    return this.#means.lookUp(file, this, user ?? null);
  }

  reject(text: string, options: RejectOptions = {}): Verdict<Denial | 'DECLINED'> {
    const by = {
      plugin: this.plugin,
      connection: this.#client(),
      log: (line: string) => this.log.info(line),
    };
    return applyReject(this.bound.instance.reject, by, text, options);
  }

  isImmune(): boolean {
    const reason = this.#immunity();
    if (reason !== null) this.log.info(`skip, ${reason}`);
    return reason !== null;
  }

  adjustKarma(by: number): void {
    const { notes } = this.#client();
    const karma = (notes.get('karma') ?? 0) + by;
    notes.set('karma', karma);
    this.log.info(`karma ${by} (${karma})`);
  }

  #immunity(): string | null {
    const { relayClient, notes } = this.#client();
    if (relayClient) return 'relay client';
    if (notes.has('whitelisthost')) return 'whitelisted host';
    if (this.transaction?.notes.has('whitelistsender')) return 'whitelisted sender';
    return null;
  }

  #client(): Connection {
    if (this.connection === null) throw new Error(`the hook ${this.hook} has no client`);
    return this.connection;
  }
}

/** Calls are made without regard to scope; the hook map says which of their parts a handler may rely on. */
export function asAt(call: Call): AtEnvelope {
  return call as AtEnvelope;
}

/** Logger in the name of a plugin or of the core. */
export class SourceLogger implements Logger {
  readonly #log: Log;
  readonly #source: LogSource;
  readonly #adjust: (level: LogLevel) => LogLevel;

  constructor(log: Log, source: LogSource, adjust: (level: LogLevel) => LogLevel) {
    this.#log = log;
    this.#source = source;
    this.#adjust = adjust;
  }

  enabled(level: LogLevel): boolean {
    return this.#log.enabled(this.#adjust(level));
  }

  #write(level: LogLevel, text: string): void {
    this.#log.write(this.#adjust(level), text, this.#source);
  }

  debug(text: string): void {
    this.#write('debug', text);
  }
  info(text: string): void {
    this.#write('info', text);
  }
  notice(text: string): void {
    this.#write('notice', text);
  }
  warn(text: string): void {
    this.#write('warn', text);
  }
  error(text: string): void {
    this.#write('error', text);
  }
  crit(text: string): void {
    this.#write('crit', text);
  }
  alert(text: string): void {
    this.#write('alert', text);
  }
  emerg(text: string): void {
    this.#write('emerg', text);
  }
}
