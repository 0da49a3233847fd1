import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageReader, type ReaderState } from '../../src/protocol/message-reader.ts';

interface Result {
  readonly state: ReaderState;
  readonly message: string;
  readonly rest: string;
}

function read(chunks: readonly string[], options?: { refuseBareLf?: boolean }): Result {
  const reader = new MessageReader(options);
  const out: Buffer[] = [];
  let state: ReaderState = 'more';
  let used = 0;
  for (const chunk of chunks) {
    state = reader.push(Buffer.from(chunk, 'latin1'), out);
    used++;
    if (state !== 'more') break;
  }
  const message = Buffer.concat(out).toString('latin1');
  return { state, message, rest: reader.rest.toString('latin1') + chunks.slice(used).join('') };
}

/** The text in one piece, in single octets, and cut in two at every place. */
function* cuts(text: string): Generator<string[]> {
  yield [text];
  yield [...text];
  for (let at = 1; at < text.length; at++) yield [text.slice(0, at), text.slice(at)];
}

function everyWay(text: string, expected: Partial<Result>, options?: { refuseBareLf?: boolean }): void {
  for (const chunks of cuts(text)) {
    const got = read(chunks, options);
    for (const key of Object.keys(expected) as (keyof Result)[]) {
      assert.equal(got[key], expected[key], `${key} of ${JSON.stringify(chunks)}`);
    }
  }
}

test('CRLF.CRLF ends a message, and what follows is left alone', () => {
  everyWay('a: b\r\n\r\ntext\r\n.\r\nQUIT\r\n', {
    state: 'end',
    message: 'a: b\r\n\r\ntext\r\n',
    rest: 'QUIT\r\n',
  });
  everyWay('.\r\n', { state: 'end', message: '', rest: '' });
  everyWay('.\r\n.\r\n', { state: 'end', message: '', rest: '.\r\n' });
});

test('a chunk that was handed on whole is not looked at again: its memory may be gone', () => {
  const reader = new MessageReader();
  const out: Buffer[] = [];
  // Big enough to have a buffer of its own.
  const chunk = Buffer.alloc(64 * 1024, 'x');
  chunk.write('\r\n', chunk.length - 2, 'latin1');
  assert.equal(reader.push(Buffer.from('x'), out), 'more');
  assert.equal(reader.push(chunk, out), 'more');
  assert.equal(out[1], chunk);
  structuredClone(chunk.buffer, { transfer: [chunk.buffer] });
  assert.equal(reader.push(Buffer.from('.\r\n'), out), 'end');
});

test('the first of leading dots is taken away, one alone too (RFC 5321 section 4.5.2)', () => {
  everyWay('..\r\n.\r\n', { state: 'end', message: '.\r\n' });
  everyWay('..a\r\n...\r\n.b\r\nc.\r\n.\r\n', { state: 'end', message: '.a\r\n..\r\nb\r\nc.\r\n' });
  everyWay('a\n..b\r\n.\r\n', { state: 'end', message: 'a\n.b\r\n' });
});

test('bare LF, bare CR, CR CR LF, NUL and 8-bit octets stay as they are', () => {
  const text = 'a\nb\rc\r\r\nd\0e\xff\x80\r.f\n\n\r\n';
  everyWay(`${text}.\r\n`, { state: 'end', message: text });
});

test('a message may lack its last line end until the mark', () => {
  everyWay('no header, no end\r\n.\r\n', { state: 'end', message: 'no header, no end\r\n' });
});

const ends = ['\r\n', '\n', '\r', '\r\r\n', '\n\r', '\r\r'];
for (const before of ends) {
  for (const behind of ends) {
    // CR CR LF ends in CRLF, LF CR and CR CR end in a bare CR.
    const whole = before.endsWith('\r\n') && behind.startsWith('\r\n');
    if (whole) continue;
    const name = JSON.stringify(`${before}.${behind}`);
    test(`${name} is no end of a message but smuggling`, () => {
      everyWay(`text${before}.${behind}MAIL FROM:<x@y>\r\n.\r\n`, { state: 'smuggling' });
    });
  }
}

test('a lone dot with a wrong line end as the very first line is smuggling', () => {
  everyWay('.\nMAIL\r\n.\r\n', { state: 'smuggling' });
  everyWay('.\rMAIL\r\n.\r\n', { state: 'smuggling' });
});

test('bare LF is refused on request, wherever it stands', () => {
  for (const text of [
    'a\nb\r\n.\r\n',
    '\na\r\n.\r\n',
    'a\r\n\n.\r\n',
    'a\r\nb\n\r\n.\r\n',
    'a\n..b\r\n.\r\n',
  ]) {
    for (const chunks of cuts(text)) {
      assert.notEqual(read(chunks, { refuseBareLf: true }).state, 'end', JSON.stringify(chunks));
    }
  }
  everyWay('a\r\nb\rc\r\r\n..d\r\n.\r\nx\ny', { state: 'end', rest: 'x\ny' }, { refuseBareLf: true });
});

test('what stands behind the lone dot of a smuggler is not looked at', () => {
  everyWay('.\ra\n', { state: 'smuggling' }, { refuseBareLf: true });
  everyWay('a\r\n.\rb\nc', { state: 'smuggling' }, { refuseBareLf: true });
});

test('a chunk of nothing but dots costs few pieces and little time', () => {
  const reader = new MessageReader();
  const out: Buffer[] = [];
  const started = process.cpuUsage();
  for (let i = 0; i < 20; i++) reader.push(Buffer.from('\n..'.repeat(20_000)), out);
  const spent = process.cpuUsage(started);
  assert.ok(out.length <= 40, `${out.length} pieces`);
  assert.ok(spent.user < 2_000_000, `${spent.user} µs`);
  assert.equal(Buffer.concat(out).length, 20 * 40_000);
});

test('random octets: cut anywhere, the result is the same as in one piece', () => {
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % below;
  };
  for (let round = 0; round < 3000; round++) {
    const text = Array.from({ length: 24 }, () => '\r\n..\r\nx'[random(7)]).join('');
    const whole = read([text]);
    const first = random(text.length);
    const second = first + random(text.length - first);
    const cut = read(
      [text.slice(0, first), text.slice(first, second), text.slice(second)].filter((c) => c !== ''),
    );
    assert.equal(cut.state, whole.state, JSON.stringify(text));
    if (whole.state === 'end') assert.deepEqual(cut, whole, JSON.stringify(text));
  }
});
