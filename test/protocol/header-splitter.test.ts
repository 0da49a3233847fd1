import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeaderSplitter } from '../../src/protocol/header-splitter.ts';

function split(pieces: readonly string[]) {
  const splitter = new HeaderSplitter();
  let found: ReturnType<HeaderSplitter['push']> = null;
  let rest = '';
  for (const piece of pieces) {
    if (found === null) found = splitter.push(Buffer.from(piece, 'latin1'));
    else rest += piece;
  }
  const whole = found ?? splitter.end();
  return [whole.header, whole.separator, whole.body]
    .map(String)
    .map((text, at) => (at === 2 ? text + rest : text));
}

const cases: [name: string, text: string, expected: [string, string, string]][] = [
  ['CRLF', 'A: b\r\nC: d\r\n\r\nbody\r\n', ['A: b\r\nC: d\r\n', '\r\n', 'body\r\n']],
  ['bare LF', 'A: b\nC: d\n\nbody\n', ['A: b\nC: d\n', '\n', 'body\n']],
  ['mixed ends', 'A: b\r\n\nbody', ['A: b\r\n', '\n', 'body']],
  ['an empty header', '\r\nbody\r\n', ['', '\r\n', 'body\r\n']],
  ['only a header', 'A: b\r\n', ['A: b\r\n', '', '']],
  ['an empty message', '', ['', '', '']],
  ['text without header', 'Hello world\r\n\r\nA: b\r\n', ['', '', 'Hello world\r\n\r\nA: b\r\n']],
  ['a leading continuation line', ' x\r\nA: b\r\n\r\nc', ['', '', ' x\r\nA: b\r\n\r\nc']],
  ['a line that is no field, later', 'A: b\r\nHello\r\n\r\nc', ['A: b\r\nHello\r\n', '\r\n', 'c']],
  ['an mbox line first', 'From a@b today\r\nA: b\r\n\r\nc', ['From a@b today\r\nA: b\r\n', '\r\n', 'c']],
  ['a short text without any line end', 'Hello', ['', '', 'Hello']],
  ['a long text without any line end', 'x'.repeat(300), ['', '', 'x'.repeat(300)]],
];

for (const [name, text, expected] of cases) {
  test(`${name}: the same however the pieces are cut`, () => {
    assert.deepEqual(split([text]), expected);
    assert.deepEqual(split([...text]), expected, 'in single octets');
    for (let at = 1; at < text.length; at++) {
      assert.deepEqual(split([text.slice(0, at), text.slice(at)]), expected, `cut at ${at}`);
    }
  });
}

test('a big header in single octets takes no time for each octet before', () => {
  const text = `X: ${'y'.repeat(1_000_000)}\r\n\r\nbody`;
  const splitter = new HeaderSplitter();
  const octet = Buffer.from('y');
  const begun = performance.now();
  let found: ReturnType<HeaderSplitter['push']> = null;
  for (let at = 0; at < text.length && found === null; at++) {
    found = splitter.push(text[at] === 'y' ? octet : Buffer.from(text[at] ?? ''));
  }
  // A tenth of a second; to copy the header with each octet takes half a minute.
  assert.ok(performance.now() - begun < 5000);
  assert.equal(found?.header.length, 1_000_005);
  assert.equal(String(found?.separator), '\r\n');
});
