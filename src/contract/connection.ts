// What a plugin sees of a client and of one message. Implemented in session/ and message/.

import type { Address } from '../protocol/address.ts';
import type { EsmtpParams } from '../protocol/command-line.ts';
import type { Header } from '../protocol/header.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Code, Denial } from './codes.ts';
import type { HookName } from './hook-names.ts';
import type { TlsFacts, TlsSettings } from './tls.ts';
import type { Verdict } from './verdict.ts';

/** Notes that plugins leave for each other on a connection, by the names qpsmtpd gives them. Open to merging. */
export interface ConnectionNotes {
  /** why this client is to be refused later; set by `reject naughty`, acted on by the plugin naughty */
  naughty: string;
  /** how naughty shall refuse, when the plugin that set the mark chose it */
  naughty_reject_type: string;
  /** sum of what plugins think of this client */
  karma: number;
  /** the reason of a whitelist that covers the client's host */
  whitelisthost: string;
  unrec_cmd_count: number;
  /** what a PROXY header has said, set by stunnel: YES, TCP4 or TCP6, and both ends of the client's connection */
  proxy: string;
  protocol: string;
  remote_ip: string;
  remote_port: number;
  local_ip: string;
  local_port: number;
  /** argument of the last MAIL command */
  envelope_from: string;
  /** argument of the last RCPT command */
  envelope_rcpt: string;
  /** 1: the client spoke before it was asked to; set by earlytalker */
  earlytalker: number;
  /** seconds that earlytalker shall wait for this client, in place of its option `wait` */
  earlytalker_wait: number;
  /** good connections of this client minus bad ones, as the plugin karma remembers them */
  karma_history: number;
  /** 1: an address of the HELO name is the client's or near it; set by helo */
  helo_forward_match: number;
  /** 1: a name of the client's address is the HELO name or of its domain; set by helo */
  helo_reverse_match: number;
  /** percentage of messages that random_error is to refuse, for this connection */
  'random_fail_%': number;
}

/** Notes on one message. Open to merging. */
export interface TransactionNotes {
  /** the reason of a whitelist that covers the sender */
  whitelistsender: string;
  /** entries of badmailfromto whose sender part matches, in lower case */
  badmailfromto: readonly string[];
}

/** Typed cells, empty until set. */
export interface Notes<T extends object> {
  get<K extends keyof T>(key: K): T[K] | undefined;
  set<K extends keyof T>(key: K, value: T[K]): void;
  has(key: keyof T): boolean;
  delete(key: keyof T): void;
  entries(): Iterable<readonly [keyof T, T[keyof T]]>;
}

export interface Hello {
  readonly verb: 'helo' | 'ehlo' | 'lhlo';
  /** as the client gave it */
  readonly host: string;
}

/** What kind of service the client has connected to: the words behind `--listen ADDR:PORT`. */
export interface Service {
  /** TLS from the first octet on */
  readonly tls: boolean;
  /** LMTP (RFC 2033) in place of SMTP */
  readonly lmtp: boolean;
}

/** Who has said that the client is another one than the peer of the socket: a PROXY header, or XCLIENT. */
export interface ProxyFacts {
  readonly by: 'PROXY' | 'XCLIENT';
  /** the peer of the socket */
  readonly ip: string;
}

/** What a trusted proxy says of the client behind it with XFORWARD, by attribute (NAME, ADDR, HELO, …). */
export type ForwardedFacts = ReadonlyMap<string, string>;

export interface Authentication {
  /** in lower case, as qpsmtpd writes it to Authentication-Results */
  readonly mechanism: string;
  readonly user: string;
  readonly passed: boolean;
}

/** Keywords of ESMTP parameters in capitals. */
export interface OfferedParams {
  readonly mail?: readonly string[];
  readonly rcpt?: readonly string[];
}

export interface Connection {
  /** the word by which log lines of this client can be found: `PID.N` */
  readonly id: string;
  readonly remoteIp: string;
  readonly remotePort: number;
  /** name of the client by reverse DNS, `Unknown` where there is none */
  readonly remoteHost: string;
  /** `remoteHost`, with `ident@` before it when the super-server knows (TCPREMOTEINFO) */
  readonly remoteInfo: string;
  readonly localIp: string;
  readonly localPort: number;
  readonly service: Service;
  /** null where the client is the peer of the socket */
  readonly proxy: ProxyFacts | null;
  /** null before HELO, EHLO or LHLO, and again behind STARTTLS */
  readonly hello: Hello | null;
  /** facts that an XFORWARD client has given for log and filters; they never change what the client may do */
  readonly forwarded: ForwardedFacts | null;
  /**
   * the command under way as the client sent it, without line end (qpsmtpd's note original_string); of AUTH only that
   * it is AUTH
   */
  readonly commandLine: string;
  /** null in clear */
  readonly tls: TlsFacts | null;
  /** the last login, be it that it failed; null before the first */
  readonly authentication: Authentication | null;
  /** may send to any recipient; set by the plugin relay and by a successful login */
  relayClient: boolean;
  readonly startedAt: Date;
  readonly notes: Notes<ConnectionNotes>;
  /** aborts when the client is gone */
  readonly signal: AbortSignal;
  /** adds a line to the next EHLO reply, such as `STARTTLS`, and the parameters of MAIL and RCPT it brings */
  offer(capability: string, params?: OfferedParams): void;
  /** takes an offer back, with its parameters */
  withdraw(capability: string): void;
  /**
   * Changes to TLS: sends `announcement` if there is one, drops what has come in clear behind the command, does the
   * handshake, and forgets hello, login and transaction (RFC 3207 section 4.2).
   *
   * @throws Error with what was wrong when there is no TLS; the conversation is then over
   */
  startTls(settings: TlsSettings, announcement?: Reply): Promise<TlsFacts>;
  /** Tells whether the client has sent something that is not yet read, waiting for it at most so many milliseconds. */
  hasInput(waitMs: number): Promise<boolean>;
  /** adds a method to Authentication-Results of every message of this connection, such as `iprev=pass` */
  addAuthResult(result: string): void;
}

/** How lines of a message end where it is handed on: untouched, LF (files) or CRLF (SMTP). */
export type LineEnds = 'as-received' | 'lf' | 'crlf';

/** Header and body together, as they are to be handed on. Readable any number of times. */
export interface MessageContent {
  /** octets before any change of line ends */
  readonly size: number;
  /** the whole content when it is held in memory, else null */
  inMemory(lineEnds: LineEnds): readonly Buffer[] | null;
  chunks(lineEnds: LineEnds): AsyncIterable<Buffer>;
}

/** The part of a message behind the blank line, as received (dots unstuffed). Readable any number of times. */
export interface Body {
  readonly size: number;
  inMemory(): readonly Buffer[] | null;
  chunks(): AsyncIterable<Buffer>;
  /** lines without their ends, one octet a character */
  lines(): AsyncIterable<string>;
}

/** What handlers answered earlier in this message, where they did not decline: qpsmtpd's `PLUGIN.hook_NAME.return`. */
export interface VerdictRecord {
  codeOf(plugin: string, hook: HookName): Code | undefined;
}

export interface Transaction {
  /** of this connection: the first MAIL begins number 1; 0 before MAIL, and where queue/spool delivers */
  readonly number: number;
  /** null until MAIL is accepted */
  readonly sender: Address | null;
  /** parameters of MAIL */
  readonly params: EsmtpParams;
  readonly recipients: readonly Address[];
  addRecipient(address: Address, params?: EsmtpParams): void;
  removeRecipient(address: Address): void;
  /** parameters that a recipient was given with */
  paramsOf(recipient: Address): EsmtpParams;
  /** empty until the end of the header has been read */
  readonly header: Header;
  readonly body: Body;
  readonly content: MessageContent;
  readonly notes: Notes<TransactionNotes>;
  readonly verdicts: VerdictRecord;
  readonly startedAt: Date;
  /**
   * Whether whoever hands the message in takes an answer for each recipient: a client of LMTP or PRDR, the runner of
   * queue/spool. A queue plugin may then take the message for some recipients and not for others.
   */
  readonly answersEach: boolean;
  /** A queue plugin's answer for one recipient. For recipients without it the verdict of the queue hook counts. */
  answerRecipient(recipient: Address, verdict: Verdict): void;
  /** What a queue plugin has answered for a recipient; null where it has not. */
  answerFor(recipient: Address): Verdict | null;
  /** adds a method to this message's Authentication-Results, such as `spf=pass smtp.mailfrom=a.example` */
  addAuthResult(result: string): void;
  /** a new file name in spool_dir; the file is removed with the transaction */
  tempFile(): string;
  /** a new folder (mode 0700) in spool_dir, removed with the transaction */
  tempDir(): Promise<string>;
}

/** A transaction after MAIL. */
export interface Envelope extends Transaction {
  readonly sender: Address;
}

/** A connection before it is served, for the hook pre-connection. */
export interface Incoming {
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly localIp: string;
  readonly localPort: number;
  /** connections now open from the same address, this one included */
  readonly connectionsFromIp: number;
  /** `--max-from-ip`; 0 = no limit */
  readonly maxFromIp: number;
}

/** What a refusing hook is told in `deny`. */
export interface DenialReport {
  readonly plugin: string;
  readonly hook: HookName;
  readonly code: Denial;
}
