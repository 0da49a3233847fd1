// Replies that a broken or hostile server makes: no exception, no invented record.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Answer, decode } from 'dns-packet';
import type { QuestionType } from '../../src/net/dns-answer.ts';
import { encodeQuestion, isTruncated, readReply, repliesTo } from '../../src/net/dns-message.ts';
import { replyTo, soa } from './loopback-dns.ts';

const malformed = { answer: { kind: 'failure', reason: 'malformed reply' }, keep: 0 };
const query = encodeQuestion(0x1234, 'A', 'example.com');

/** A reply to `query` whose answer section is the given octets. */
function withAnswers(count: number, ...octets: number[]): Buffer {
  const reply = Buffer.concat([replyTo(query), Buffer.from(octets)]);
  reply.writeUInt16BE(count, 6);
  return reply;
}

/** A record of the name asked for: type, length of the data as stated, data. */
function record(type: number, length: number, ...data: number[]): number[] {
  return [0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, length >> 8, length & 0xff, ...data];
}

describe('encodeQuestion', () => {
  it('asks one question and wants recursion', () => {
    const { id, flag_qr, flag_rd, questions } = decode(encodeQuestion(65_535, 'MX', 'a b:c.example'));
    assert.deepEqual([id, flag_qr, flag_rd], [65_535, false, true]);
    assert.deepEqual(questions, [{ name: 'a b:c.example', type: 'MX', class: 'IN' }]);
  });
});

describe('repliesTo', () => {
  it('takes the question in any case of letters', () => {
    assert.ok(repliesTo(query, replyTo(query)));
    assert.ok(repliesTo(query, replyTo(query, { name: 'eXample.COM' })));
  });

  it('refuses another id, question, opcode, count, the query itself and stumps', () => {
    const changed = (offset: number, octet: number) => {
      const reply = replyTo(query);
      reply[offset] = octet;
      return reply;
    };
    assert.ok(!repliesTo(query, changed(0, 0x11)));
    assert.ok(!repliesTo(query, changed(2, 0xa1)));
    assert.ok(!repliesTo(query, changed(5, 2)));
    assert.ok(!repliesTo(query, replyTo(query, { name: 'exbmple.com' })));
    assert.ok(!repliesTo(query, replyTo(query, { type: 'TXT' })));
    assert.ok(!repliesTo(query, query));
    for (let end = 0; end < query.length; end++)
      assert.ok(!repliesTo(query, replyTo(query).subarray(0, end)));
  });
});

it('isTruncated reads the TC bit', () => {
  assert.equal(isTruncated(replyTo(query)), false);
  assert.equal(isTruncated(replyTo(query, { truncated: true })), true);
});

describe('readReply', () => {
  it('reads a sound record (so that the cases below fail for their defect alone)', () => {
    assert.deepEqual(readReply('A', withAnswers(1, ...record(1, 4, 192, 0, 2, 1))), {
      answer: { kind: 'answer', values: [{ text: '192.0.2.1', preference: 0 }], ttl: 60 },
      keep: 60,
    });
  });

  const broken: Record<string, Buffer> = {
    'a count without records': withAnswers(1),
    'a count of 65535': withAnswers(65_535, ...record(1, 4, 1, 2, 3, 4)),
    'an address cut short by the end': withAnswers(1, ...record(1, 4, 192, 0)),
    'an address of two octets': withAnswers(2, ...record(1, 2, 1, 2), ...record(1, 4, 1, 2, 3, 4)),
    'an address of six octets': withAnswers(1, ...record(1, 6, 1, 2, 3, 4, 5, 6)),
    'a record of another type beyond the end': withAnswers(1, ...record(10, 9, 1, 2)),
    'more records than anybody needs': withAnswers(
      1001,
      ...Array.from({ length: 1001 }, () => record(1, 4, 1, 2, 3, 4)).flat(),
    ),
    'an IPv6 address of four octets': withAnswers(1, ...record(28, 4, 1, 2, 3, 4)),
    'a text longer than its record': withAnswers(1, ...record(16, 2, 9, 65), ...record(1, 4, 1, 2, 3, 4)),
    'a name longer than its record': withAnswers(1, ...record(2, 2, 3, 97, 98, 99, 0)),
    'an exchanger without a name': withAnswers(1, ...record(15, 2, 0, 10)),
    'a label of an unknown kind': withAnswers(1, ...record(2, 2, 0x80, 0)),
    'a pointer to itself': withAnswers(1, ...record(2, 2, 0xc0, 12 + 17 + 12)),
    'a pointer to nowhere': withAnswers(1, ...record(2, 2, 0xff, 0xff)),
    'a record cut within its head': withAnswers(1, 0xc0, 12, 0, 1, 0),
  };
  for (const [what, reply] of Object.entries(broken)) {
    it(`makes a failure of ${what}`, () => assert.deepEqual(readReply('A', reply), malformed));
  }

  it('takes no harm from a broken additional section', () => {
    const reply = withAnswers(1, ...record(1, 4, 192, 0, 2, 1), 0xff, 0xff, 0xff);
    reply.writeUInt16BE(3, 10);
    assert.equal(readReply('A', reply).answer.kind, 'answer');
  });

  it('takes an empty text, and one of several strings', () => {
    const texts = readReply(
      'TXT',
      withAnswers(2, ...record(16, 0), ...record(16, 5, 1, 97, 2, 98, 99)),
    ).answer;
    assert.deepEqual(texts.kind === 'answer' && texts.values.map(({ text }) => text), ['', 'abc']);
  });

  it('passes over records of another class', () => {
    const chaos = record(1, 4, 192, 0, 2, 1);
    chaos[5] = 3;
    assert.equal(readReply('A', withAnswers(1, ...chaos)).answer.kind, 'no-data');
  });

  it('keeps "there is none" for the smaller one of TTL and minimum of SOA', () => {
    const keep = (minimum: number, ttl: number, rcode: number) =>
      readReply('A', replyTo(query, { rcode, authorities: [soa(minimum, ttl)] })).keep;
    assert.deepEqual([keep(30, 60, 3), keep(60, 20, 3), keep(30, 60, 0), keep(60, 20, 0)], [30, 20, 30, 20]);
  });

  it('names the failures of servers', () => {
    const reason = (rcode: number) => readReply('A', replyTo(query, { rcode })).answer;
    assert.deepEqual(reason(2), { kind: 'failure', reason: 'SERVFAIL' });
    assert.deepEqual(reason(5), { kind: 'failure', reason: 'REFUSED' });
    assert.deepEqual(reason(9), { kind: 'failure', reason: 'RCODE 9' });
  });

  it('survives every single-octet change and every cut of a rich reply', () => {
    const name = 'example.com';
    const answers: Answer[] = [
      { type: 'CNAME', name, ttl: 1, data: 'b.example.com' },
      { type: 'A', name: 'b.example.com', ttl: 1, data: '192.0.2.1' },
      { type: 'AAAA', name, ttl: 1, data: '2001:db8::1' },
      { type: 'MX', name, ttl: 1, data: { preference: 1, exchange: 'mx.example.com' } },
      { type: 'TXT', name, ttl: 1, data: ['one', 'two'] },
      { type: 'SRV', name, ttl: 1, data: { port: 1, target: 'srv.example.com' } },
    ];
    const reply = replyTo(query, { answers, authorities: [soa(1)] });
    const types: QuestionType[] = ['A', 'AAAA', 'MX', 'NS', 'PTR', 'TXT'];
    const kinds = new Set<string>();
    const read = (octets: Buffer) => {
      for (const type of types) kinds.add(readReply(type, octets).answer.kind);
    };
    for (let offset = 0; offset < reply.length; offset++) {
      read(reply.subarray(0, offset));
      for (const octet of [0, 1, 3, 0x0c, 0x29, 0x2e, 0x30, 0x3f, 0x40, 0x80, 0xc0, 0xff]) {
        const changed = Buffer.from(reply);
        changed[offset] = octet;
        read(changed);
      }
    }
    assert.deepEqual([...kinds].sort(), ['answer', 'failure', 'no-data', 'no-name']);
  });

  it('is quick even with pointers that lead from one to the next', () => {
    // 8000 pointers in one text, and as many records as are allowed whose names go through them all.
    const start = 12 + 17 + 12;
    const chain = Array.from({ length: 4000 }, (_, i) => start + 2 * Math.max(0, i - 1));
    const pointers = [0, 0, ...chain.slice(1).flatMap((to) => [0xc0 | (to >> 8), to & 0xff])];
    const last = start + pointers.length - 2;
    const one = [0xc0 | (last >> 8), last & 0xff, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 1, 2, 3, 4];
    const reply = withAnswers(
      1000,
      ...record(10, pointers.length, ...pointers),
      ...Array.from({ length: 999 }, () => one).flat(),
    );
    const before = process.cpuUsage();
    assert.equal(readReply('A', reply).answer.kind, 'no-data');
    assert.ok(process.cpuUsage(before).user < 2_000_000);
  });
});
