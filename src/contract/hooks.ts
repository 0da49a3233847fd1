// The hooks: what a handler is given and may give back, one row for each. All handler types follow from it; names
// and order are those of hook-names.ts.

import type { Address } from '../protocol/address.ts';
import type { AuthAttempt } from '../protocol/auth-exchange.ts';
import type { EsmtpParams, ParsedPath } from '../protocol/command-line.ts';
import type { ScramSecret } from '../protocol/scram-secret.ts';
import type { AtAnywhere, AtEnvelope, AtProcess, AtSession } from './at.ts';
import type { Awaitable } from './awaitable.ts';
import type { Code, Denial, LogLevel } from './codes.ts';
import type { Connection, Incoming } from './connection.ts';
import type { HookName } from './hook-names.ts';
import type { Answer, Verdict } from './verdict.ts';

export type { AuthAttempt } from '../protocol/auth-exchange.ts';
export type { ScramSecret } from '../protocol/scram-secret.ts';
export type { Awaitable } from './awaitable.ts';
export * from './hook-names.ts';

/** What a handler is given, by scope: nothing of a client, maybe one, one for sure, one that has sent MAIL. */
export interface ScopeMap {
  process: AtProcess;
  anywhere: AtAnywhere;
  session: AtSession;
  envelope: AtEnvelope;
}
export type Scope = keyof ScopeMap;

/** The first verdict that is not DECLINED decides. */
interface Decide<S extends Scope, A extends unknown[] = [], C extends Code = Code> {
  scope: S;
  args: A;
  gives: Verdict<C>;
}
/** The first handler that answers gives a value. */
interface Ask<S extends Scope, A extends unknown[], V> {
  scope: S;
  args: A;
  gives: Answer<V> | Verdict<Denial | 'DECLINED'>;
}
/** All handlers run; nothing is returned. */
interface Watch<S extends Scope, A extends unknown[] = []> {
  scope: S;
  args: A;
  gives: void;
}

interface Row {
  scope: Scope;
  args: unknown[];
  gives: unknown;
}

/** What a super-server or a hello hook made of the HELO or EHLO argument. */
export interface ParsedHello {
  readonly host: string;
}

export interface ParsedAuth {
  readonly mechanism: string;
  readonly initialResponse: string | null;
}

/** A login by SCRAM before the client has shown that it knows the password. */
export interface ScramStart {
  /** SCRAM-SHA-256 or SCRAM-SHA-256-PLUS */
  readonly mechanism: string;
  readonly user: string;
}

export interface ReceivedParts {
  /** SMTP, ESMTPSA, LMTP, UTF8SMTPS, … (RFC 3848, RFC 6531 section 4.3) */
  readonly protocol: string;
  readonly connection: Connection;
}

export interface LogEntry {
  readonly level: LogLevel;
  readonly text: string;
  /** plugin that speaks, or null for the core */
  readonly plugin: string | null;
  readonly hook: HookName | null;
  /** `PID` or, with a client, `PID.N` */
  readonly id: string;
  readonly time: Date;
}

export interface HookMap extends Record<HookName, Row> {
  logging: Watch<'anywhere', [entry: LogEntry]>;
  config: Ask<'anywhere', [file: string], readonly string[]>;
  user_config: Ask<'anywhere', [user: Address, file: string], readonly string[]>;
  'post-fork': Watch<'process'>;
  'pre-connection': Decide<'process', [incoming: Incoming]>;
  connect: Decide<'session'>;
  ehlo_parse: Ask<'session', [argument: string], ParsedHello>;
  ehlo: Decide<'session', [host: string]>;
  helo_parse: Ask<'session', [argument: string], ParsedHello>;
  helo: Decide<'session', [host: string]>;
  auth_parse: Ask<'session', [argument: string], ParsedAuth>;
  auth: Decide<'session', [attempt: AuthAttempt]>;
  'auth-plain': Decide<'session', [attempt: AuthAttempt]>;
  'auth-login': Decide<'session', [attempt: AuthAttempt]>;
  'auth-cram-md5': Decide<'session', [attempt: AuthAttempt]>;
  'auth-scram-sha-256': Ask<'session', [start: ScramStart], ScramSecret>;
  'auth-xoauth2': Decide<'session', [attempt: AuthAttempt]>;
  'auth-oauthbearer': Decide<'session', [attempt: AuthAttempt]>;
  rcpt_parse: Ask<'session', [argument: string], ParsedPath>;
  rcpt_pre: Ask<'envelope', [path: string, params: EsmtpParams], string>;
  rcpt: Decide<'envelope', [recipient: Address, params: EsmtpParams]>;
  mail_parse: Ask<'session', [argument: string], ParsedPath>;
  mail: Decide<'session', [sender: Address, params: EsmtpParams]>;
  mail_pre: Ask<'session', [path: string, params: EsmtpParams], string>;
  data: Decide<'session'>;
  data_headers_end: Decide<'envelope'>;
  data_post_headers: Decide<'envelope'>;
  data_post: Decide<'envelope'>;
  queue_pre: Decide<'envelope'>;
  queue: Decide<'envelope'>;
  queue_post: Watch<'session', [outcome: Verdict]>;
  vrfy: Decide<'session', [argument: string]>;
  noop: Decide<'session', [argument: string]>;
  quit: Decide<'session'>;
  reset_transaction: Watch<'session'>;
  disconnect: Watch<'session'>;
  'post-connection': Watch<'session'>;
  unrecognized_command: Decide<'session', [verb: string, argument: string]>;
  deny: Watch<'anywhere', [plugin: string, hook: HookName, verdict: Verdict<Denial>]>;
  ok: Watch<'anywhere', [plugin: string, hook: HookName, verdict: Verdict]>;
  received_line: Ask<'envelope', [parts: ReceivedParts], string>;
  help: Decide<'session', [topic: string]>;
}

/** Hooks whose handlers give a verdict, answer a question, or only look on. */
export type DecideHook = Exclude<HookName, AskHook | WatchHook>;
export type AskHook = {
  [H in HookName]: Answer<never> extends HookMap[H]['gives'] ? H : never;
}[HookName];
export type WatchHook = {
  [H in HookName]: HookMap[H]['gives'] extends undefined | void ? H : never;
}[HookName];
/** What the answer to an asking hook carries. */
export type Asked<H extends AskHook> = Extract<HookMap[H]['gives'], Answer<unknown>>['value'];

export type HookArgs<H extends HookName> = HookMap[H]['args'];
export type Handler<H extends HookName> = (
  at: ScopeMap[HookMap[H]['scope']],
  ...args: HookArgs<H>
) => H extends 'logging' ? void : Awaitable<HookMap[H]['gives']>;

/** One handler, several, one that goes before those of other plugins, or a logging handler with its level. */
export type HookEntry<H extends HookName> =
  | Handler<H>
  | readonly Handler<H>[]
  | { readonly first: Handler<H> }
  | (H extends 'logging' ? { readonly upTo: LogLevel; readonly handler: Handler<H> } : never);

export type HookTable = { readonly [H in HookName]?: HookEntry<H> | undefined };
