// The first argument of every handler: where in which conversation it is called, and what its plugin may do
// there. Made by the engine for each call, so that log lines, rejections and deadlines know their plugin.

import type { Address } from '../protocol/address.ts';
import type { EnhancedStatus, StatusName } from '../protocol/enhanced-status.ts';
import type { Awaitable } from './awaitable.ts';
import type { Denial, LogLevel } from './codes.ts';
import type { Connection, Envelope, Transaction } from './connection.ts';
import type { HookName } from './hook-names.ts';
import type { Verdict } from './verdict.ts';

/** Writes log entries. Texts begin with qpsmtpd's words: `pass`, `fail`, `skip`, `error`. */
export interface Logger {
  /** whether an entry of this level would be written anywhere */
  enabled(level: LogLevel): boolean;
  debug(text: string): void;
  info(text: string): void;
  notice(text: string): void;
  warn(text: string): void;
  error(text: string): void;
  crit(text: string): void;
  alert(text: string): void;
  emerg(text: string): void;
}

export interface AtProcess {
  readonly hook: HookName;
  readonly log: Logger;
  /** aborts when the handler has used up its time or the client is gone */
  readonly signal: AbortSignal;
  /** lines of a config file, after qpsmtpd's search: user_config hooks, config hooks, file, default */
  config(file: string, user?: Address): Awaitable<readonly string[]>;
}

export interface AtAnywhere extends AtProcess {
  readonly connection: Connection | null;
  readonly transaction: Transaction | null;
}

export interface RejectOptions {
  readonly status?: EnhancedStatus | StatusName;
  /** goes to the log behind `fail`, never to the client */
  readonly log?: string;
}

export interface AtSession extends AtAnywhere {
  readonly connection: Connection;
  /** empty until MAIL is accepted */
  readonly transaction: Transaction;
  /**
   * Refuses as the operator wants it (`reject`, `reject_type`): with a denial at once, by a mark for the
   * plugin naughty, or not at all. Return what it gives. qpsmtpd: get_reject.
   */
  reject(text: string, options?: RejectOptions): Verdict<Denial | 'DECLINED'>;
  /** Relay client, whitelisted host or whitelisted sender: says so in the log. qpsmtpd: is_immune. */
  isImmune(): boolean;
  /** Adds to the client's karma. qpsmtpd: adjust_karma. */
  adjustKarma(by: number): void;
}

export interface AtEnvelope extends AtSession {
  readonly transaction: Envelope;
}
