// Messages and settings for tests of the SMTP client, with time limits that are never reached where they do not matter.

import assert from 'node:assert/strict';
import type { MessageContent } from '../../src/contract/connection.ts';
import type { ClientSettings, OutgoingMessage } from '../../src/net/outgoing-message.ts';
import { SmtpClient } from '../../src/net/smtp-client.ts';
import { Address } from '../../src/protocol/address.ts';
import { cleanUp } from '../support/cleanup.ts';

const LONG_MS = 20_000;

export interface Mail {
  readonly sender?: string;
  readonly recipients?: readonly string[];
  readonly params?: Readonly<Record<string, string | true>>;
  /** of each RCPT */
  readonly rcptParams?: Readonly<Record<string, string | true>>;
  readonly content?: string | MessageContent;
  readonly needsUtf8?: boolean;
  readonly allOrNone?: boolean;
  readonly client?: ReadonlyMap<string, string>;
}

export const CONTENT = 'Subject: test\r\n\r\nHello\r\n';

export function parse(path: string): Address {
  const address = Address.parse(path, { utf8: true });
  assert.ok(address, `${path} is an address`);
  return address;
}

export function mail(given: Mail = {}): OutgoingMessage {
  const { content = CONTENT, recipients = ['<user@b.example>'], rcptParams = {}, client = null } = given;
  return {
    sender: parse(given.sender ?? '<sender@a.example>'),
    params: new Map(Object.entries(given.params ?? {})),
    recipients: recipients.map((path) => ({
      address: parse(path),
      params: new Map(Object.entries(rcptParams)),
    })),
    content: typeof content === 'string' ? inMemory(content) : content,
    needsUtf8: given.needsUtf8 ?? false,
    allOrNone: given.allOrNone ?? true,
    client,
  };
}

/** @param text one octet a character, with the line ends that are to be sent */
export function inMemory(text: string): MessageContent {
  const octets = Buffer.from(text, 'latin1');
  return { size: octets.length, inMemory: () => [octets], chunks: () => asyncOf([octets]) };
}

/** As from a file. */
export function inPieces(pieces: AsyncIterable<Buffer> | readonly string[]): MessageContent {
  const octets = Array.isArray(pieces) ? pieces.map((piece: string) => Buffer.from(piece, 'latin1')) : [];
  return {
    size: octets.reduce((sum, piece) => sum + piece.length, 0),
    inMemory: () => null,
    chunks: () => (Array.isArray(pieces) ? asyncOf(octets) : (pieces as AsyncIterable<Buffer>)),
  };
}

async function* asyncOf(pieces: readonly Buffer[]): AsyncIterable<Buffer> {
  yield* pieces;
}

export function settings(
  server: { readonly port: number } | ClientSettings['address'],
  more: Partial<ClientSettings> = {},
): ClientSettings {
  return {
    address: 'path' in server ? server : { host: '127.0.0.1', ...server },
    protocol: 'smtp',
    hello: 'me.example',
    tls: 'off',
    tlsOptions: {},
    login: null,
    connectMs: LONG_MS,
    commandMs: LONG_MS,
    messageMs: LONG_MS,
    warn: () => {},
    ...more,
  };
}

/** Connected; closed after the test that called this. */
export async function open(given: ClientSettings, signal?: AbortSignal): Promise<SmtpClient> {
  const client = await SmtpClient.open(given, signal);
  cleanUp(() => client.close());
  return client;
}

/** `250 2.0.0 ok` of each answer, without the words behind the status. */
export function codes(answers: readonly { readonly code: number }[]): number[] {
  return answers.map(({ code }) => code);
}
