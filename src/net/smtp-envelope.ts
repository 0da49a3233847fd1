// MAIL and RCPT as a server can take them: what it offers decides which parameters it gets (RFC 1870, 3461, 6152,
// 6531, 6710, 8689). What a message needs and the server lacks is a refusal.

import { isAscii } from 'node:buffer';
import type { Address } from '../protocol/address.ts';
import type { EsmtpParams } from '../protocol/command-line.ts';
import type { OutgoingMessage } from './outgoing-message.ts';
import type { ServerOffers } from './server-offers.ts';
import { localReply, type ServerReply } from './server-reply.ts';

/** What an envelope depends on beside the message. */
export interface EnvelopeFacts {
  readonly offers: ServerOffers;
  /** under TLS with a server that is who it should be */
  readonly isVerified: boolean;
  /** the content when it is held in memory, with the line ends in which it is to go */
  readonly inMemory: readonly Buffer[] | null;
}

const CONTROL = /[\x00-\x1f\x7f]/;
const BEYOND_ASCII = /[^\x00-\x7f]/gu;

/** One command each, without line ends, one octet a character; or the answer that says why there can be none. */
export function envelopeCommands(message: OutgoingMessage, facts: EnvelopeFacts): string[] | ServerReply {
  const { sender, recipients, params } = message;
  const { offers } = facts;
  const lack = lackFor(message, facts);
  if (lack !== null) return lack;
  const isUtf8 = params.has('SMTPUTF8') && offers.has('SMTPUTF8');
  const path = (address: Address) => (isUtf8 ? address : (address.toAscii() ?? address)).path;
  const takesDsn = offers.has('DSN');
  const dsn = (given: EsmtpParams, names: readonly string[]) =>
    takesDsn && given.size > 0 ? names.map((name) => word(given, name, isUtf8)).join('') : '';
  const commands = [
    `MAIL FROM:${path(sender)}${mailParams(message, facts)}${isUtf8 ? ' SMTPUTF8' : ''}${dsn(params, ['RET', 'ENVID'])}`,
    ...recipients.map((one) => `RCPT TO:${path(one.address)}${dsn(one.params, ['NOTIFY', 'ORCPT'])}`),
  ].map((command) => Buffer.from(command, 'utf8').toString('latin1'));
  // Addresses that plugins have made were read by nobody.
  if (!commands.some((command) => CONTROL.test(command))) return commands;
  return localReply(553, '5.1.3', 'an address holds control characters');
}

export function isBinary({ params }: OutgoingMessage): boolean {
  return String(params.get('BODY')).toUpperCase() === 'BINARYMIME';
}

function lackFor(message: OutgoingMessage, { offers, isVerified }: EnvelopeFacts): ServerReply | null {
  if (message.needsUtf8 && !offers.has('SMTPUTF8')) {
    return localReply(553, '5.6.7', 'the next hop takes no internationalized addresses');
  }
  if (isBinary(message) && !(offers.has('BINARYMIME') && offers.has('CHUNKING'))) {
    return localReply(554, '5.6.1', 'the next hop takes no binary content');
  }
  // RFC 8689 section 4.2.1: the next server must have proved who it is, too.
  if (message.params.has('REQUIRETLS') && !(isVerified && offers.has('REQUIRETLS'))) {
    return localReply(550, '5.7.30', 'the next hop does not support REQUIRETLS');
  }
  return null;
}

function mailParams(message: OutgoingMessage, { offers, inMemory }: EnvelopeFacts): string {
  const { params, content } = message;
  const length = inMemory?.reduce((sum, piece) => sum + piece.length, 0) ?? content.size;
  const size = offers.has('SIZE') ? ` SIZE=${length}` : '';
  const priority = offers.has('MT-PRIORITY') ? word(params, 'MT-PRIORITY', false) : '';
  return `${size}${body(message, offers, inMemory)}${params.has('REQUIRETLS') ? ' REQUIRETLS' : ''}${priority}`;
}

// What the content is counts, whatever its client has said of it. Without 8BITMIME it goes as it is all the same:
// servers that mind are long gone, and content that was changed would lose its signatures.
function body(message: OutgoingMessage, offers: ServerOffers, inMemory: readonly Buffer[] | null): string {
  if (isBinary(message)) return ' BODY=BINARYMIME';
  if (!offers.has('8BITMIME')) return '';
  const is8Bit =
    String(message.params.get('BODY')).toUpperCase() === '8BITMIME' ||
    inMemory === null ||
    !inMemory.every(isAscii);
  return is8Bit ? ' BODY=8BITMIME' : '';
}

function word(params: EsmtpParams, name: string, isUtf8: boolean): string {
  const value = params.get(name);
  if (value === undefined || value === true) return '';
  return ` ${name}=${isUtf8 ? value : value.replace(BEYOND_ASCII, embedded)}`;
}

/** As ORCPT has it for servers without SMTPUTF8, RFC 6533 section 3. */
function embedded(character: string): string {
  return `\\x{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`;
}
