// Command lines, the arguments of MAIL and RCPT, and addresses.

import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import { Address, isDomainOrLiteral } from '../../src/protocol/address.ts';
import {
  isParseFailure,
  type ParsedPath,
  parseCommandLine,
  parseMailArgument,
  parseRcptArgument,
} from '../../src/protocol/command-line.ts';
import { Mutator } from './support/mutator.ts';
import type { Target } from './support/target.ts';

const seeds = [
  'MAIL FROM:<a@a.example> SIZE=1000 BODY=8BITMIME',
  'RCPT TO:<"a b\\"c"@b.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a+40b',
  'RCPT TO:<@one.example,@two.example:user@three.example>',
  'MAIL FROM:<>',
  'RCPT TO:<postmaster>',
  'MAIL FROM:<user@[IPv6:2001:db8::192.0.2.1]> AUTH=<>',
  'EHLO [192.0.2.1]',
];
const tokens = [
  ...[
    'MAIL FROM:',
    'RCPT TO:',
    'EHLO ',
    'FROM:',
    'TO:',
    '<',
    '>',
    '@',
    ':',
    ',',
    '"',
    '\\',
    '\\"',
    '<>',
    ' ',
  ],
  ...['[IPv6:', '[', ']', '::', '::ffff:192.0.2.1', '255.255.255.255', 'a.example', '.', '..', '-', '_', '='],
  ...[
    'SIZE=',
    'BODY=',
    '\0',
    '\r',
    '\n',
    '\t',
    '\x7f',
    '\xff',
    'ü',
    '%',
    '!',
    '+',
    'postmaster',
    'abuse',
    'a',
  ],
];

export const commandLineTarget: Target = {
  name: 'command-line',
  promise: 'never throws; what is taken for an address is one, and is the same when read again',
  open() {
    const mutator = new Mutator(seeds, tokens);
    return { make: (random) => mutator.make(random), run: (input) => check(input.toString('latin1')) };
  },
};

function check(line: string): void {
  const { verb, argument } = parseCommandLine(line);
  assert.ok(!verb.includes(' ') && verb === verb.toLowerCase());
  assert.doesNotMatch(argument, /^[ \t]|[ \t]$/);
  for (const parsed of [parseMailArgument(argument), parseRcptArgument(argument)]) {
    if (!isParseFailure(parsed)) checkPath(parsed);
    else assert.match(parsed.problem, /^[\x20-\x7e]+$/);
  }
  for (const text of [line, argument, `<${argument}>`]) checkAddress(Address.parse(text));
  checkDomain(argument);
  // Whatever plugins make of a local part: it has a form that can be read again, or holds what no form can.
  const made = new Address(line, 'a.example');
  if (/^[\x20-\x7e]+$/.test(line)) assert.equal(Address.parse(made.path)?.localPart, line);
  else assert.equal(Address.parse(made.path), null);
}

function checkPath({ path, params }: ParsedPath): void {
  assert.ok(path !== '');
  for (const [keyword, value] of params) {
    assert.match(keyword, /^[A-Z0-9][A-Z0-9-]*$/);
    assert.ok(value === true || /^[^= \0-\x1f\x7f]+$/.test(value));
  }
  checkAddress(Address.parse(path));
}

function checkAddress(address: Address | null): void {
  if (address === null) return;
  const { localPart, domain, path } = address;
  assert.match(localPart, /^[\x20-\x7e]*$/);
  assert.match(domain, /^[A-Za-z0-9._:[\]-]*$/);
  assert.ok(domain.length <= 255);
  // Outside of a quoted local part nothing can be taken for the end of the path.
  assert.match(path, /^<(?:"(?:[^"\\]|\\.)*"|[^<>"\\ ]*?)(?:@[^<>"\\ @]+)?>$/);
  const again = Address.parse(path);
  assert.deepEqual(again, address);
  assert.equal(again?.key, address.key);
}

function checkDomain(text: string): void {
  const inner = /^\[(?:IPv6:)?(.*)\]$/is.exec(text)?.[1] ?? text;
  if (isIPv4(inner)) assert.ok(isDomainOrLiteral(`[${inner}]`), inner);
  if (isIPv6(inner) && !inner.includes('%')) assert.ok(isDomainOrLiteral(`[IPv6:${inner}]`), inner);
  // The other way round, but for leading zeros, which Node does not take.
  if (!isDomainOrLiteral(`[IPv6:${inner}]`) || /(?:^|[.:])0\d+\./.test(inner)) return;
  assert.ok(isIPv6(inner.replace(/(?<=\.)0+(?=\d)/g, '')), inner);
}
