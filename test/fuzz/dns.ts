// Replies of name servers, which whoever owns an address or a domain can have made.

import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import { encode, type Packet } from 'dns-packet';
import type { QuestionType } from '../../src/net/dns-answer.ts';
import { encodeQuestion, isTruncated, readReply, repliesTo } from '../../src/net/dns-message.ts';
import { Mutator } from './support/mutator.ts';
import type { Target } from './support/target.ts';

const types: readonly QuestionType[] = ['A', 'AAAA', 'MX', 'TXT', 'PTR', 'NS'];
const name = 'a.example';

const reply = (type: QuestionType, more: Packet): Buffer =>
  encode({ type: 'response', id: 1, flags: 0x180, questions: [{ type, name }], ...more });

const seeds = [
  reply('A', { answers: [{ type: 'A', name, ttl: 60, data: '192.0.2.1' }] }),
  reply('AAAA', { answers: [{ type: 'AAAA', name, ttl: 60, data: '2001:db8::1' }] }),
  reply('MX', {
    answers: [
      { type: 'MX', name, ttl: 60, data: { preference: 10, exchange: 'mx.a.example' } },
      { type: 'MX', name, ttl: 60, data: { preference: 20, exchange: 'mx.b.example' } },
    ],
  }),
  reply('TXT', { answers: [{ type: 'TXT', name, ttl: 60, data: ['v=spf1', ' -all'] }] }),
  reply('PTR', { answers: [{ type: 'PTR', name, ttl: 60, data: 'host.a.example' }] }),
  reply('A', {
    answers: [
      { type: 'CNAME', name, ttl: 60, data: 'b.example' },
      { type: 'A', name: 'b.example', ttl: 0xffffffff, data: '192.0.2.1' },
    ],
  }),
  reply('A', {
    authorities: [
      {
        type: 'SOA',
        name: 'example',
        ttl: 900,
        data: {
          mname: 'ns.example',
          rname: 'root.example',
          serial: 1,
          refresh: 1,
          retry: 1,
          expire: 1,
          minimum: 1,
        },
      },
    ],
    additionals: [{ type: 'A', name: 'ns.example', ttl: 60, data: '192.0.2.1' }],
  }),
];
const tokens = [
  ...['\xc0\x0c', '\xc0\x00', '\xff\xff', '\0', '\0\x01\0\x01', '\0\x0f\0\x01', '\0\x10\0\x01', '\0\x29'],
  ...[
    '\x3f',
    '\x40',
    '\x03www',
    '\0\x04',
    '\0\0\0\x3c',
    '\x01 ',
    '\x03a\r\n',
    '\x01a\xc0\x0c',
    '\x07example\0',
  ],
];

export const dnsTarget: Target = {
  name: 'dns',
  promise: 'never throws, and what it gives is of the form that was asked for',
  open() {
    const mutator = new Mutator(seeds, tokens);
    return { make: (random) => mutator.make(random), run: check };
  },
};

function check(input: Buffer): void {
  isTruncated(input);
  for (const type of types) {
    repliesTo(encodeQuestion(1, type, name), input);
    const { answer, keep } = readReply(type, input);
    assert.ok(Number.isInteger(keep) && keep >= 0 && keep <= 0x7fffffff);
    if (answer.kind !== 'answer') continue;
    assert.ok(answer.values.length > 0);
    for (const { text, preference } of answer.values) checkValue(type, text, preference);
  }
}

function checkValue(type: QuestionType, text: string, preference: number): void {
  if (type === 'A') assert.ok(isIPv4(text), text);
  else if (type === 'AAAA') assert.ok(isIPv6(text), text);
  else if (type !== 'TXT') assert.match(text, /^[\x21-\x7e]+$/);
  assert.ok(Number.isInteger(preference) && preference >= 0 && preference < 65_536);
}
