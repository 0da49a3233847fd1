import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatReply } from '../../src/protocol/reply.ts';

test('one line, several lines, none', () => {
  assert.equal(formatReply({ code: 250, lines: ['ok'] }), '250 ok\r\n');
  assert.equal(formatReply({ code: 250, lines: ['a', '', 'b'] }), '250-a\r\n250-\r\n250 b\r\n');
  assert.equal(formatReply({ code: 250, lines: [] }), '250 \r\n');
});

test('the enhanced status stands on every line, in the class of the code', () => {
  assert.equal(
    formatReply({ code: 550, status: '5.7.1', lines: ['a', 'b'] }),
    '550-5.7.1 a\r\n550 5.7.1 b\r\n',
  );
  assert.equal(formatReply({ code: 450, status: '5.7.1', lines: ['a'] }), '450 4.7.1 a\r\n');
  assert.equal(
    formatReply({ code: 550, status: '5.0.0', lines: ['5.1.1 no such user'] }),
    '550 5.1.1 no such user\r\n',
  );
});

test('no text can add a line or a control byte (property)', () => {
  const nasty = ['\r', '\n', '\0', '\x1b', '\x7f', '\x80', '\u2028', 'é', '250 ok', ' '];
  for (let round = 0; round < 2000; round++) {
    const line = Array.from(
      { length: 7 },
      (_, at) => nasty[(round * 7 + at * (round % 11)) % nasty.length],
    ).join('');
    const sent = formatReply({ code: 550, status: '5.7.1', lines: [line] });
    assert.match(sent, /^550 5\.7\.1 [\x20-\x7e]*\r\n$/);
  }
});

test('lines are cut to the 512 octets of RFC 5321', () => {
  const sent = formatReply({ code: 550, status: '5.7.1', lines: ['x'.repeat(2000)] });
  for (const line of sent.split('\r\n')) assert.ok(line.length <= 510);
  assert.equal(sent.match(/x/g)?.length, 2000);
});
