// Replies of servers, whole, in pieces, and of the kind that no server should give.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  isForGood,
  isForNow,
  isPositive,
  ReplyError,
  ReplyReader,
  type ServerReply,
  showReply,
} from '../../src/net/server-reply.ts';

function read(text: string, size = text.length): ServerReply[] {
  const reader = new ReplyReader();
  const replies: ServerReply[] = [];
  for (let at = 0; at < text.length; at += size) {
    reader.push(Buffer.from(text.slice(at, at + size), 'latin1'), (reply) => void replies.push(reply));
  }
  return replies;
}

describe('replies', () => {
  const cases: readonly (readonly [text: string, reply: ServerReply])[] = [
    ['250 ok\r\n', { code: 250, status: null, lines: ['ok'] }],
    ['250\r\n', { code: 250, status: null, lines: [''] }],
    ['250 \r\n', { code: 250, status: null, lines: [''] }],
    ['250 ok\n', { code: 250, status: null, lines: ['ok'] }],
    ['250 2.1.5 ok\r\n', { code: 250, status: '2.1.5', lines: ['ok'] }],
    ['250 2.1.5\r\n', { code: 250, status: '2.1.5', lines: [''] }],
    ['550-5.1.1 no\r\n550 5.1.1 such user\r\n', { code: 550, status: '5.1.1', lines: ['no', 'such user'] }],
    ['550-5.1.1 no\r\n550 such user\r\n', { code: 550, status: '5.1.1', lines: ['no', 'such user'] }],
    ['550 4.1.1 odd\r\n', { code: 550, status: null, lines: ['4.1.1 odd'] }],
    ['550 5.1.1.1 odd\r\n', { code: 550, status: null, lines: ['5.1.1.1 odd'] }],
    ['250-a\r\n550 b\r\n', { code: 550, status: null, lines: ['a', 'b'] }],
    ['354 \xe4\r\n', { code: 354, status: null, lines: ['\xe4'] }],
  ];
  for (const [text, reply] of cases) {
    test(`${JSON.stringify(text)} whole and octet by octet`, () => {
      assert.deepEqual(read(text), [reply]);
      assert.deepEqual(read(text, 1), [reply]);
    });
  }

  test('several in one piece', () => {
    assert.deepEqual(
      read('250 a\r\n250-b\r\n250 c\r\n354 d\r\n').map(({ lines }) => lines),
      [['a'], ['b', 'c'], ['d']],
    );
  });

  for (const text of [
    'ok\r\n',
    '\r\n',
    '150 a\r\n',
    '650 a\r\n',
    '25 a\r\n',
    '250=a\r\n',
    '2500 a\r\n',
    '250-a\r\n\r\n',
  ]) {
    test(`${JSON.stringify(text)} is none`, () => {
      assert.throws(() => read(text), ReplyError);
      assert.throws(() => read(text, 1), ReplyError);
    });
  }

  test('those before a fault are handed on', () => {
    const replies: ServerReply[] = [];
    const reader = new ReplyReader();
    const push = () =>
      reader.push(Buffer.from('250 ok\r\nHTTP/1.1\r\n'), (reply) => void replies.push(reply));
    assert.throws(push, /no reply: "HTTP\/1.1"/);
    assert.equal(replies.length, 1);
  });

  test('a fault is shown without its control characters', () => {
    assert.throws(() => read('\x1b[31m\x00\r\n'), {
      message: 'the server said what is no reply: "\\u001b[31m\\u0000"',
    });
  });

  test('endless ones end', () => {
    const reader = new ReplyReader();
    const forget = () => {};
    assert.throws(() => reader.push(Buffer.alloc(10_000, 'a'), forget), /endless line/);
    assert.throws(() => read(`250 ${'a'.repeat(5000)}\r\n`), /endless reply/);
    assert.throws(() => read('250-and so on\r\n'.repeat(100_000)), /endless reply/);
    assert.equal(read(`${'250-A\r\n'.repeat(500)}250 B\r\n`)[0]?.lines.length, 501);
  });

  test('one of which a part is there is not over', () => {
    const reader = new ReplyReader();
    assert.ok(reader.isEmpty);
    reader.push(Buffer.from('250-a\r\n'), () => assert.fail('no reply yet'));
    assert.ok(!reader.isEmpty);
    reader.push(Buffer.from('250 b\r\n'), () => {});
    assert.ok(reader.isEmpty);
    reader.push(Buffer.from('2'), () => assert.fail('no reply yet'));
    assert.ok(!reader.isEmpty);
  });
});

test('a reply takes, asks for more, refuses for now or for good', () => {
  const kinds = [250, 354, 451, 550].map((code) => {
    const reply = { code, status: null, lines: [] };
    return [isPositive(reply), isForNow(reply), isForGood(reply)];
  });
  assert.deepEqual(kinds, [
    [true, false, false],
    [false, false, false],
    [false, true, false],
    [false, false, true],
  ]);
});

test('the log has code, status and words', () => {
  assert.equal(
    showReply({ code: 550, status: '5.1.1', lines: ['no', 'such user'] }),
    '550 5.1.1 no such user',
  );
  assert.equal(showReply({ code: 250, status: null, lines: ['ok'] }), '250 ok');
});
