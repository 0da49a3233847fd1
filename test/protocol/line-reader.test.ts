import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineReader } from '../../src/protocol/line-reader.ts';

function lines(chunks: readonly string[], limit = 100): (string | null)[] {
  const reader = new LineReader();
  const out: (string | null)[] = [];
  for (const chunk of chunks) {
    reader.push(Buffer.from(chunk, 'latin1'));
    for (let line = reader.next(limit); line !== null; line = reader.next(limit)) {
      out.push(line === 'too-long' ? null : line.text);
    }
  }
  return out;
}

test('CRLF and bare LF end a line, a bare CR does not; cut anywhere', () => {
  const text = 'a\r\nb\n\rc\r\r\n\r\n';
  const expected = ['a', 'b', '\rc\r', ''];
  assert.deepEqual(lines([text]), expected);
  assert.deepEqual(lines([...text]), expected);
});

test('a line over the limit is thrown away up to its end, the next one is read', () => {
  const text = `${'x'.repeat(300)}\r\nQUIT\r\n`;
  assert.deepEqual(lines([text]), [null, 'QUIT']);
  assert.deepEqual(lines([...text]), [null, 'QUIT']);
  assert.deepEqual(lines([`${'x'.repeat(97)}\r\n`]), ['x'.repeat(97)]);
});

test('an unending line keeps no memory', () => {
  const reader = new LineReader();
  for (let i = 0; i < 1000; i++) {
    reader.push(Buffer.alloc(1000, 'x'));
    assert.equal(reader.next(512), null);
    assert.ok(reader.isEmpty);
  }
});

test('what is left can be taken as octets', () => {
  const reader = new LineReader();
  reader.push(Buffer.from('DATA\r\nmessage'));
  reader.next(100);
  assert.equal(reader.hasLine, false);
  assert.equal(String(reader.takeAll()), 'message');
  assert.equal(reader.takeAll(), null);
});

test('octets can be taken by number, and lines go on behind them', () => {
  const reader = new LineReader();
  assert.equal(reader.take(3), null);
  reader.push(Buffer.from('BDAT 5\r\n12\r\n5QUIT\r\nab'));
  assert.deepEqual(reader.next(100), { text: 'BDAT 5' });
  assert.equal(String(reader.take(3)), '12\r');
  assert.equal(String(reader.take(2)), '\n5');
  assert.deepEqual(reader.next(100), { text: 'QUIT' });
  assert.equal(reader.next(100), null);
  assert.equal(String(reader.take(1)), 'a');
  assert.equal(String(reader.take(10)), 'b');
  assert.ok(reader.isEmpty);
});
