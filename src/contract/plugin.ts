// A plugin is a value: its name, what may stand on its line, what it reads, and `setup`, which runs once for
// each of its lines in config/plugins and gives the handlers. State lives in the closure of `setup`.

import type { NetworkList } from '../protocol/network.ts';
import type { AtProcess, Logger } from './at.ts';
import type { Checkup } from './checkup.ts';
import type { Connection, Envelope, Transaction } from './connection.ts';
import type { Resolver } from './dns.ts';
import type { Awaitable, Handler, HookName, HookTable } from './hooks.ts';
import type { OptionSchema, OptionValues } from './options.ts';
import type { Verdict } from './verdict.ts';

/** A list in a config file, one entry a line. */
export interface ListFile<T> {
  readonly kind: 'list';
  /** how a line is written: `ADDRESS|@HOST|/PATTERN/ [REASON]` */
  readonly form: string;
  readonly doc: string;
  /** @throws Error with a sentence for the operator; the line is then left out and named in the log */
  parse(line: string): T;
  /** what an operator should know of a line that can be read, as a sentence; null when there is nothing to say */
  readonly warn?: (line: string) => string | null;
  /** its lines hold passwords or the like: check-config looks who may read the file */
  readonly secret?: boolean;
}

/** A constant database `NAME.cdb`. */
export interface MapFile {
  readonly kind: 'map';
  readonly form: string;
  readonly doc: string;
}

export interface KeyMap {
  has(key: string): boolean;
  /** first value of the key, one octet a character */
  get(key: string): string | undefined;
}

export type FileSchema = Readonly<Record<string, ListFile<unknown> | MapFile>>;
export type FileReaders<F extends FileSchema> = {
  readonly [K in keyof F]: (
    at: AtProcess,
  ) => Awaitable<F[K] extends ListFile<infer T> ? readonly T[] : KeyMap>;
};

/** Declares a list: `files: { badhelo: listFile({ form: 'NAME', doc: '…', parse: (line) => line }) }`. */
export function listFile<T>(spec: Omit<ListFile<T>, 'kind'>): ListFile<T> {
  return { kind: 'list', ...spec };
}

/** Declares a cdb map. */
export function mapFile(spec: Omit<MapFile, 'kind'>): MapFile {
  return { kind: 'map', ...spec };
}

export interface Clock {
  /** the time of day */
  now(): Date;
  /** milliseconds that only go forward */
  monotonic(): number;
}

/** Peers of TCP sockets that may say with a PROXY header who their client is, and need not. */
export interface ProxySource {
  readonly networks: NetworkList;
}

/** A queue plugin that gets its messages from another plugin. */
export interface QueueTarget {
  /** its name, as it stands before its log entries */
  readonly id: string;
  readonly carries: readonly CarriedExtension[];
  /**
   * Hands a message over, as the server would if this were its only queue plugin. What the plugin throws becomes what
   * its `on_error` says, a refusal for now where it says nothing. Never rejects.
   *
   * @param signal aborts when nobody waits for the verdict any more
   */
  queue(connection: Connection, transaction: Envelope, signal: AbortSignal): Promise<Verdict>;
}

export type BaseHandlers = { readonly [H in HookName]: Handler<H> };

export interface Host<O extends OptionSchema = OptionSchema, F extends FileSchema = FileSchema> {
  /** name on the line, `relay:1` for a second one */
  readonly id: string;
  readonly options: OptionValues<O>;
  /** readers of the declared config files; parsed once per change of the file */
  readonly files: FileReaders<F>;
  /** handlers of the plugin named in `extends`; they decline where it has none */
  readonly base: BaseHandlers;
  /** for what happens outside of a hook */
  readonly log: Logger;
  readonly clock: Clock;
  /**
   * The server's resolver, of which all share the answers. The `kind` of an answer is `answer` (with `values`, and `ttl` in
   * seconds), `no-name`, `no-data`, `failure` (with `reason`) or `timeout`. Give each question `at.signal`, so that nobody
   * waits for an answer that is of no use any more.
   */
  readonly dns: Resolver;
  /** process id, for names of files */
  readonly pid: number;
  /** this host's own name, for names of files; what the server calls itself is config/me */
  readonly hostname: string;
  /** qpsmtpd's RELAYCLIENT and friends: the environment the daemon was started with */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** version of the daemon */
  readonly version: string;
  /** writes a line to standard error, in batches; for logging plugins */
  stderr(line: string): void;
  /** a cell for each connection, made when first asked for */
  perConnection<T extends object>(init: (connection: Connection) => T): (connection: Connection) => T;
  /** a cell for each transaction, made when first asked for */
  perTransaction<T extends object>(init: (transaction: Transaction) => T): (transaction: Transaction) => T;
  /** a config file's lines where no client is concerned, e.g. in setup; config hooks are not asked */
  configLines(file: string): readonly string[];
  /** folders of the configuration in search order, absolute; where files lie that a line names relative */
  readonly configDirs: readonly string[];
  /**
   * Lets these peers begin with a PROXY header, version 1 or 2. They are waited for 300 milliseconds, and whoever sends
   * nothing by then, or something else, goes on as itself. Only in `setup`. Peers that have to send one stand in
   * config/proxy_networks.
   */
  acceptProxyHeader(from: ProxySource): void;
  /**
   * Sets up one more line of config/plugins whose messages come from this plugin alone: the server does not ask its
   * queue handlers, while its other handlers are like those of any line. Only in `setup`. A plugin carries what it says
   * itself, and what all of its targets do.
   *
   * @throws Error when something is wrong with that line; let it pass, it is told as a mistake of this line
   */
  target(line: string): Promise<QueueTarget>;
  /**
   * For `ticketKeys` of node:tls, where a plugin makes contexts for the server's side: 48 octets by which clients resume
   * their sessions at any worker and after a reload. Others come every twelve hours: then a context has to be made anew.
   * The same Buffer as long as they are the same. A secret. Give the context a `sessionIdContext` that differs with
   * what it demands of clients, or a session that began where less is demanded gets through.
   */
  tlsTicketKeys(): Buffer;
  /** What to do when the server stops, or another configuration has taken over; it is waited for. Only in `setup`. */
  onRetire(work: () => Awaitable<void>): void;
}

/** Extensions of SMTP by which the server promises something of whoever handles the message next. */
export const carriedExtensions = ['SMTPUTF8', 'BINARYMIME', 'DSN', 'REQUIRETLS', 'MT-PRIORITY'] as const;
export type CarriedExtension = (typeof carriedExtensions)[number];

/**
 * What a plugin needs of the order of config/plugins, for check-config and the manual. It counts in the chain of one hook,
 * when the plugin has a handler there. Plugins that are not loaded do no harm.
 */
export interface OrderRule {
  readonly hook: HookName;
  /** plugins, by name without `:N`, that have to be asked before this one */
  readonly after?: readonly string[];
  /** plugins that have to be asked after this one */
  readonly before?: readonly string[];
  /** nobody's handler may follow: for a plugin that always decides */
  readonly last?: boolean;
  /** what happens when it is otherwise, of this plugin as `it` and the others as `they`: `it is not asked once they decide` */
  readonly otherwise: string;
}

export interface Plugin<O extends OptionSchema = OptionSchema, F extends FileSchema = FileSchema> {
  /** as written in config/plugins */
  readonly name: string;
  /** one line for the manual and check-config */
  readonly summary: string;
  /** further paragraphs for the manual, separated by blank lines */
  readonly docs?: string;
  /** the plugin whose handlers arrive as `host.base` (qpsmtpd: isa_plugin) */
  readonly extends?: string;
  readonly options?: O;
  /** options that may be given by place, in this order */
  readonly positional?: readonly (keyof O & string)[];
  /** config files it reads */
  readonly files?: F;
  /** what a throw or a missed deadline means when the line does not say; default `open`, `defer` for queues */
  readonly onError?: 'open' | 'defer' | 'deny';
  /**
   * What a plugin with a queue handler can carry on: addresses and headers in UTF-8 (RFC 6531), octets as they are
   * (RFC 3030), wishes for delivery reports (RFC 3461), TLS on the whole way (RFC 8689), priorities (RFC 6710). What
   * every queue plugin can carry is offered to clients, unless config/extensions says otherwise. Without it: nothing.
   */
  readonly carries?: readonly CarriedExtension[];
  /** A queue plugin whose messages go to a mail server of another make, which may read user%host@here in its own way. */
  readonly handsOn?: boolean;
  /**
   * false: its handlers decide by what they are given and by configuration alone. They write nothing, ask nobody, count
   * nothing, and do not wait. check-config may then ask them, as it does to see whether strangers may relay. true, or
   * nothing said: it passes over them.
   */
  readonly sideEffects?: boolean;
  /** where its line has to stand; a line elsewhere is a warning of check-config and at the start */
  readonly order?: readonly OrderRule[];
  setup(host: Host<O, F>): Awaitable<HookTable>;
  /**
   * Says what is wrong with what a line of it stands on, once `setup` was content with that line: certificates that
   * expire, files that the server's user cannot read. Asked by check-config alone.
   */
  check?(host: Host<O, F>, checkup: Checkup): Awaitable<void>;
}

/** Gives a plugin its types; returns it as it is. */
export function definePlugin<
  const O extends OptionSchema = Readonly<Record<never, never>>,
  const F extends FileSchema = Readonly<Record<never, never>>,
>(plugin: Plugin<O, F>): Plugin<O, F> {
  return plugin;
}
