// A message to be handed to a server, what a server is and wants, and what has become of the message.

import type { ConnectionOptions } from 'node:tls';
import type { MessageContent } from '../contract/connection.ts';
import type { Address } from '../protocol/address.ts';
import type { EsmtpParams } from '../protocol/command-line.ts';
import type { ServerReply } from './server-reply.ts';
import { showReply } from './server-reply.ts';
import type { SocketAddress } from './smtp-channel.ts';

export interface ServerLogin {
  readonly user: string;
  readonly password: string;
}

export interface ClientSettings {
  readonly address: SocketAddress;
  readonly protocol: 'smtp' | 'lmtp';
  /** the name in EHLO */
  readonly hello: string;
  /**
   * `implicit`: from the first octet; `require`: STARTTLS or nothing; `try`: STARTTLS when it is offered, and in clear
   * by a new connection when the handshake fails
   */
  readonly tls: 'off' | 'try' | 'require' | 'implicit';
  /** `host` is the name that a certificate must have */
  readonly tlsOptions: ConnectionOptions;
  /** Without TLS no password is sent but to this machine: what remains is CRAM-MD5. */
  readonly login: ServerLogin | null;
  /** milliseconds until the connection stands, and until it is under TLS */
  readonly connectMs: number;
  /** milliseconds for the answer to a command, and for a further piece of a message to be read */
  readonly commandMs: number;
  /** milliseconds for the answer to the end of a message */
  readonly messageMs: number;
  /** told what an operator should know: there is no TLS */
  warn(text: string): void;
}

export interface OutgoingRecipient {
  readonly address: Address;
  /** parameters of RCPT as the client gave them; what the server does not take is left out */
  readonly params: EsmtpParams;
}

export interface OutgoingMessage {
  readonly sender: Address;
  /** parameters of MAIL as the client gave them; what the server does not take is left out */
  readonly params: EsmtpParams;
  readonly recipients: readonly OutgoingRecipient[];
  readonly content: MessageContent;
  /** an address or the header is beyond ASCII: only a server with SMTPUTF8 can take it */
  readonly needsUtf8: boolean;
  /** sends nothing unless every recipient is taken */
  readonly allOrNone: boolean;
  /** XCLIENT attributes, for a server that takes them; null = none are to be sent */
  readonly client: ReadonlyMap<string, string> | null;
}

/** What became of a message. */
export interface Handover {
  /** whether the server has had the whole message; what it made of it stands in the answers */
  readonly isSent: boolean;
  /** One for each recipient, in order. Where nothing was sent, a taken recipient keeps the answer to RCPT. */
  readonly answers: readonly ServerReply[];
  /**
   * Why answers to the message are missing: 451 stands in their places. The server may have taken the message: no
   * other one is to get it now.
   */
  readonly failure: Error | null;
}

/** The server was not sent the message: another one may be tried. */
export class NotSentError extends Error {}

/** The server refuses whatever is sent to it: at the greeting, at the login, as it goes. */
export class RefusalError extends NotSentError {
  readonly reply: ServerReply;

  constructor(what: string, reply: ServerReply) {
    super(`${what}: ${showReply(reply)}`);
    this.reply = reply;
  }
}

/** STARTTLS was agreed on, and came to nothing. */
export class TlsError extends NotSentError {}

export function notSent(error: unknown): NotSentError {
  if (error instanceof NotSentError) return error;
  return new NotSentError(error instanceof Error ? error.message : String(error), { cause: error });
}
