// Parameters of MAIL and RCPT, the arguments of BDAT, XCLIENT and XFORWARD, and addresses beyond ASCII.

import assert from 'node:assert/strict';
import { Address } from '../../src/protocol/address.ts';
import { parseBdatArgument } from '../../src/protocol/bdat-argument.ts';
import { decodeUtf8 } from '../../src/protocol/esmtp-utf8.ts';
import {
  isEnvelopeId,
  isMailAuth,
  isNotifyWish,
  isOriginalRecipient,
  isReturnWish,
  isTransferPriority,
} from '../../src/protocol/esmtp-values.ts';
import { type ProxyAttribute, parseProxyAttributes } from '../../src/protocol/proxy-attributes.ts';
import { decodeXtext, encodeXtext } from '../../src/protocol/xtext.ts';
import { Mutator } from './support/mutator.ts';
import type { Target } from './support/target.ts';

const utf8 = (text: string) => Buffer.from(text);
const seeds = [
  'rfc822;a+40b.example',
  utf8('utf-8;grüße\\x{20AC}@bücher.example'),
  'NEVER',
  'SUCCESS,FAILURE,DELAY',
  '86401 LAST',
  'NAME=a.example ADDR=IPV6:2001:db8::1 PORT=25 HELO=[192.0.2.1] LOGIN=a+40b',
  utf8('<grüße@bücher.example>'),
  utf8('<"grüß dich"@例え.テスト>'),
  '-9',
];
const tokens = [
  ...[
    '+',
    '+40',
    '+4',
    '+0A',
    '+FF',
    '=',
    ';',
    ',',
    ' ',
    '\\x{',
    '}',
    '10FFFF',
    'D800',
    'utf-8;',
    'LAST',
    '0',
  ],
  ...['<', '>', '@', '"', '.', '[UNAVAILABLE]', 'ADDR=', 'PORT=', '65535', '[', ']', '99999999999999999999'],
  ...['é', '\u200d', '\u202e', '\u00ad', '\uff41', '\ufeff', 'ß', 'xn--', '\u{1f600}', 'م', '\u3002'].map(
    utf8,
  ),
  ...['\x80', '\xc3', '\xed\xa0\x80', '\xa0', '\0', '\r\n', '\t'],
];
const proxyWords: readonly ProxyAttribute[] = [
  'NAME',
  'ADDR',
  'PORT',
  'PROTO',
  'HELO',
  'LOGIN',
  'DESTADDR',
  'SOURCE',
];

export const esmtpTarget: Target = {
  name: 'esmtp',
  promise:
    'values that are taken hold nothing that forges a line; xtext and addresses are the same when read again',
  open() {
    const mutator = new Mutator(seeds, tokens);
    return { make: (random) => mutator.make(random), run: (input) => check(input.toString('latin1')) };
  },
};

function check(octets: string): void {
  assert.equal(decodeXtext(encodeXtext(octets)), octets);
  assert.match(encodeXtext(octets), /^[!-~]*$/);
  decodeXtext(octets);
  checkValues(octets);
  const chunk = parseBdatArgument(octets);
  if (chunk !== null)
    assert.ok(Number.isSafeInteger(chunk.size) && chunk.size >= 0 && !(chunk.isLast && chunk.hasJunk));
  const attributes = parseProxyAttributes(octets, proxyWords);
  if ('problem' in attributes) assert.match(attributes.problem, /^[\x20-\x7e]+$/);
  else for (const value of attributes.values()) assert.match(value ?? 'none', /^[\x20-\x7e]{1,255}$/);
  const text = decodeUtf8(octets);
  if (text !== null) checkAddress(text);
}

function checkValues(octets: string): void {
  if (isEnvelopeId(octets)) assert.match(decodeXtext(octets) ?? '', /^[\t\x20-\x7e]+$/);
  if (isMailAuth(octets)) assert.match(decodeXtext(octets) ?? '\0', /^[^\0-\x1f\x7f]*$/);
  if (isNotifyWish(octets)) assert.match(octets, /^[A-Z,]+$/i);
  if (isReturnWish(octets)) assert.match(octets, /^[A-Z]{4}$/i);
  if (isTransferPriority(octets)) assert.match(octets, /^-?\d$/);
  if (isOriginalRecipient(octets, false)) assert.match(octets, /^[!-~]+$/);
  if (isOriginalRecipient(octets, true)) assert.doesNotMatch(octets, /[\0-\x20\x7f-\x9f]/);
}

function checkAddress(text: string): void {
  for (const path of [text, `<${text}>`, `<a@${text}>`]) {
    const address = Address.parse(path, { utf8: true });
    if (address === null) continue;
    const { localPart, domain, asciiDomain, key } = address;
    // Controls, line ends, other blanks, marks of direction, surrogates.
    assert.doesNotMatch(localPart, /[\0-\x1f\x7f-\xa0\u2028-\u202e\u2066-\u2069]|\p{Cs}/u);
    assert.doesNotMatch(domain, /[\0-\x20\x7f-\xa0<>@\u2028-\u202e]/);
    assert.match(asciiDomain, /^[A-Za-z0-9._:[\]-]*$/);
    const again = Address.parse(address.path, { utf8: true });
    assert.deepEqual(again, address);
    assert.equal(again?.key, key);
    assert.equal(address.toAscii() === null, address.needsUtf8);
    const ascii = address.toAscii();
    if (ascii !== null) assert.deepEqual(Address.parse(ascii.path), ascii);
  }
}
