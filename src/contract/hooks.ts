// The hooks. HookMap is the one place where a hook is declared; handler types, loader checks, manual and
// `test-plugin` follow from it. Names and order are qpsmtpd's.

import type { Address } from '../protocol/address.ts';
import type { EsmtpParams, ParsedPath } from '../protocol/command-line.ts';
import type { AtAnywhere, AtEnvelope, AtProcess, AtSession } from './at.ts';
import type { Code, Denial, LogLevel } from './codes.ts';
import type { Connection, Incoming } from './connection.ts';
import type { Answer, Verdict } from './verdict.ts';

export type Awaitable<T> = T | Promise<T>;

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

/** What a super-server or a hello hook made of the HELO or EHLO argument. */
export interface ParsedHello {
  readonly host: string;
}

export interface ParsedAuth {
  readonly mechanism: string;
  readonly initialResponse: string | null;
}

export interface AuthAttempt {
  readonly mechanism: string;
  readonly user: string;
  readonly password: string | null;
  /** CRAM-MD5: the challenge and the client's digest */
  readonly challenge: string | null;
  readonly digest: string | null;
}

export interface ReceivedParts {
  /** SMTP, ESMTP, ESMTPS, ESMTPA or ESMTPSA, RFC 3848 */
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

export interface HookMap {
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

export type HookName = keyof HookMap;
export type HookKind = 'decide' | 'ask' | 'watch';

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

interface HookFacts {
  readonly kind: HookKind;
  /** when it runs, for the manual */
  readonly doc: string;
}

/** Every hook in qpsmtpd's order. */
export const hookFacts: { readonly [H in HookName]: HookFacts } = {
  logging: { kind: 'watch', doc: 'for every log entry; synchronous, and may not log itself' },
  config: { kind: 'ask', doc: 'when a config file is looked up; answer with its lines' },
  user_config: { kind: 'ask', doc: 'when a config file is looked up for one recipient or sender' },
  'post-fork': { kind: 'watch', doc: 'once in every process that serves clients, when it is ready to' },
  'pre-connection': { kind: 'decide', doc: 'a client has connected, nothing is known but the addresses' },
  connect: { kind: 'decide', doc: 'before the greeting' },
  ehlo_parse: { kind: 'ask', doc: 'to read the argument of EHLO in another way' },
  ehlo: { kind: 'decide', doc: 'EHLO' },
  helo_parse: { kind: 'ask', doc: 'to read the argument of HELO in another way' },
  helo: { kind: 'decide', doc: 'HELO' },
  auth_parse: { kind: 'ask', doc: 'to read the argument of AUTH in another way' },
  auth: { kind: 'decide', doc: 'a login by any mechanism' },
  'auth-plain': { kind: 'decide', doc: 'a login by AUTH PLAIN' },
  'auth-login': { kind: 'decide', doc: 'a login by AUTH LOGIN' },
  'auth-cram-md5': { kind: 'decide', doc: 'a login by AUTH CRAM-MD5' },
  rcpt_parse: { kind: 'ask', doc: 'to read the argument of RCPT in another way' },
  rcpt_pre: { kind: 'ask', doc: 'may give another path in place of the one in RCPT' },
  rcpt: { kind: 'decide', doc: 'RCPT; only OK takes the recipient' },
  mail_parse: { kind: 'ask', doc: 'to read the argument of MAIL in another way' },
  mail: { kind: 'decide', doc: 'MAIL' },
  mail_pre: { kind: 'ask', doc: 'may give another path in place of the one in MAIL' },
  data: { kind: 'decide', doc: 'DATA, before anything else is checked' },
  data_headers_end: { kind: 'decide', doc: 'the header of the message has been read' },
  data_post_headers: { kind: 'decide', doc: 'the message has been read, no trace field is added yet' },
  data_post: { kind: 'decide', doc: 'the message with its trace fields; the place of content filters' },
  queue_pre: { kind: 'decide', doc: 'before the queue hooks' },
  queue: { kind: 'decide', doc: 'take responsibility for the message; OK makes the client forget it' },
  queue_post: { kind: 'watch', doc: 'after the client has its answer to the message' },
  vrfy: { kind: 'decide', doc: 'VRFY' },
  noop: { kind: 'decide', doc: 'NOOP' },
  quit: { kind: 'decide', doc: 'QUIT' },
  reset_transaction: { kind: 'watch', doc: 'a transaction ends, whatever has become of it' },
  disconnect: { kind: 'watch', doc: 'the client is about to be gone, or is' },
  'post-connection': { kind: 'watch', doc: 'the connection is closed' },
  unrecognized_command: { kind: 'decide', doc: 'a command that the core does not know' },
  deny: { kind: 'watch', doc: 'after a handler has refused' },
  ok: { kind: 'watch', doc: 'after a handler has answered and did not refuse' },
  received_line: { kind: 'ask', doc: 'may give the text of the Received field' },
  help: { kind: 'decide', doc: 'HELP' },
};

export const hookNames = Object.keys(hookFacts) as readonly HookName[];

export function isHookName(name: string): name is HookName {
  return Object.hasOwn(hookFacts, name);
}
