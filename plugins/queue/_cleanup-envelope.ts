// What cleanup(8) is told before the message: the records that Postfix's own smtpd(8) writes, in its order. Log lines,
// bounces and milters of Postfix then know the client, and what it wants to be told of.

import { type Address, type AtEnvelope, decodeXtext, type EsmtpParams } from 'qpsmtpd';
import { SMTPUTF8 } from './_cleanup-codes.ts';
import { attributes, record, recordType } from './_cleanup-records.ts';
import { addressOctets, addressText } from './_handed-address.ts';

// Of Linux.
const AF_INET = 2;
const AF_INET6 = 10;
const notifyBits: Readonly<Record<string, number>> = { NEVER: 1, SUCCESS: 2, FAILURE: 4, DELAY: 8 };
const retBits: Readonly<Record<string, number>> = { FULL: 1, HDRS: 2 };

/** Flags and all records above the message. @throws UnfitAddressError */
export function envelopeRecords(at: AtEnvelope, flags: number): Buffer {
  const { transaction } = at;
  const { params, sender, recipients, startedAt } = transaction;
  const ms = startedAt.getTime();
  const all = params.has('SMTPUTF8') ? flags | SMTPUTF8 : flags;
  return Buffer.concat([
    attributes({ flags: all }),
    record(recordType.time, `${Math.floor(ms / 1000)} ${(ms % 1000) * 1000}`),
    // Nothing is rewritten or added as for mail that begins here.
    attribute('rewrite_context', 'remote'),
    ...loginRecords(at),
    attribute('envelope_id', decodeXtext(textOf(params, 'ENVID')) ?? ''),
    attribute('ret_flags', retBits[textOf(params, 'RET').toUpperCase()] ?? ''),
    record(recordType.sender, addressOctets(sender, 'plain')),
    attribute('encoding', { '8BITMIME': '8bit', '7BIT': '7bit' }[textOf(params, 'BODY').toUpperCase()] ?? ''),
    ...clientRecords(at),
    ...recipients.flatMap((each) => recipientRecords(each, transaction.paramsOf(each))),
    record(recordType.message),
  ]);
}

function loginRecords({ connection: { authentication } }: AtEnvelope): Buffer[] {
  if (authentication?.passed !== true) return [];
  const { mechanism, user } = authentication;
  return [attribute('sasl_method', mechanism.toUpperCase()), attribute('sasl_username', user)];
}

function clientRecords({ connection }: AtEnvelope): Buffer[] {
  const { remoteIp, remotePort, remoteHost, localIp, localPort, hello, forwarded } = connection;
  const isIpv6 = remoteIp.includes(':');
  const name = remoteHost === 'Unknown' ? 'unknown' : remoteHost;
  const protocol = hello?.verb === 'helo' ? 'SMTP' : hello?.verb === 'lhlo' ? 'LMTP' : 'ESMTP';
  const shown = { name: forwarded?.get('NAME') ?? name, ip: forwarded?.get('ADDR') ?? remoteIp };
  return [
    attribute('log_ident', forwarded?.get('IDENT') ?? ''),
    attribute('log_client_name', shown.name),
    attribute(
      'log_client_address',
      shown.ip.includes(':') ? `IPv6:${shown.ip.replace(/^IPv6:/i, '')}` : shown.ip,
    ),
    attribute('log_client_port', forwarded?.get('PORT') ?? remotePort),
    attribute('log_message_origin', `${shown.name}[${shown.ip}]`),
    attribute('log_helo_name', forwarded?.get('HELO') ?? hello?.host ?? ''),
    attribute('log_protocol_name', forwarded?.get('PROTO') ?? protocol),
    attribute('client_name', name),
    attribute('reverse_client_name', name),
    attribute('client_address', remoteIp),
    attribute('client_port', remotePort),
    attribute('server_address', localIp),
    attribute('server_port', localPort),
    attribute('helo_name', hello?.host ?? ''),
    attribute('protocol_name', protocol),
    attribute('client_address_type', isIpv6 ? AF_INET6 : AF_INET),
  ];
}

function recipientRecords(recipient: Address, params: EsmtpParams): Buffer[] {
  const wishes = textOf(params, 'NOTIFY').toUpperCase().split(',');
  const notify = wishes.reduce((bits, word) => bits | (notifyBits[word] ?? 0), 0);
  return [
    attribute('notify_flags', notify === 0 ? '' : notify),
    attribute('dsn_orig_rcpt', originalRecipient(recipient, textOf(params, 'ORCPT'))),
    record(recordType.recipient, addressOctets(recipient, 'plain')),
  ];
}

/** `rfc822;` and the address, also where the client has not given it: as smtpd does. */
function originalRecipient(recipient: Address, given: string): string {
  const semicolon = given.indexOf(';');
  const type = given.slice(0, Math.max(semicolon, 0));
  const coded = given.slice(semicolon + 1);
  const text = /^utf-8$/i.test(type) ? decodeUnitext(coded) : decodeXtext(coded);
  if (type !== '' && text !== null && text !== '') return `${type};${text}`;
  return recipient.isAscii ? `rfc822;${addressText(recipient, 'quoted')}` : '';
}

/** RFC 6533 section 3 */
function decodeUnitext(text: string): string {
  return text.replace(/\\x\{([0-9A-F]{2,6})\}/g, (whole, digits: string) => {
    const point = Number.parseInt(digits, 16);
    return point > 0x10ffff ? whole : String.fromCodePoint(point);
  });
}

// Cleanup takes an attribute without a value for a fault of the client's.
function attribute(name: string, value: string | number): Buffer {
  const text = String(value).replace(/[\x00-\x1f\x7f]/g, '?');
  return text === '' ? Buffer.alloc(0) : record(recordType.attribute, `${name}=${text}`);
}

function textOf(params: EsmtpParams, name: string): string {
  const value = params.get(name);
  return typeof value === 'string' ? value : '';
}
