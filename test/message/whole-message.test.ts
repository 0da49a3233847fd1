import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LineEnds } from '../../src/contract/connection.ts';
import { StoredBody } from '../../src/message/stored-body.ts';
import { WholeMessage } from '../../src/message/whole-message.ts';
import { Header } from '../../src/protocol/header.ts';
import { HeaderSplitter } from '../../src/protocol/header-splitter.ts';

interface Parts {
  header?: string;
  separator?: string;
  body?: readonly string[];
}

function message({ header = '', separator = '', body = [] }: Parts) {
  const fields = new Header(Buffer.from(header, 'latin1'));
  const stored = new StoredBody({ threshold: 1e9, newPath: () => assert.fail('no file is due') });
  stored.append(body.map((piece) => Buffer.from(piece, 'latin1')));
  return { fields, whole: new WholeMessage(fields, Buffer.from(separator, 'latin1'), stored) };
}

function held(whole: WholeMessage, lineEnds: LineEnds): string {
  return Buffer.concat([...(whole.inMemory(lineEnds) ?? assert.fail('is in memory'))]).toString('latin1');
}

async function streamed(whole: WholeMessage, lineEnds: LineEnds): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of whole.chunks(lineEnds)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1');
}

async function both(whole: WholeMessage, lineEnds: LineEnds): Promise<string> {
  const text = held(whole, lineEnds);
  assert.equal(await streamed(whole, lineEnds), text);
  return text;
}

describe('a message as received', () => {
  it('is what came in, octet by octet', async () => {
    const texts = [
      'A: b\r\n\r\nbody\r\n',
      'A: b\n\nbody\n',
      'A: b\r\n\nbody \xff\0\r\r\n',
      '\r\nbody only\r\n',
      'no header at all\r\n\r\nmore\r\n',
      'A: b\r\nC: d\r\n',
      'A: b\r\n junk\r\nno field\r\n\r\n\r\n',
      'From here Mon\r\nA: b\r\n\r\nbody',
      '',
      '\r\n',
    ];
    for (const text of texts) {
      for (let cut = 0; cut <= text.length; cut++) {
        const whole = received([text.slice(0, cut), text.slice(cut)]);
        assert.equal(await both(whole, 'as-received'), text, JSON.stringify([text, cut]));
        assert.equal(whole.size, text.length);
      }
    }
  });
});

/** As the session does it. */
function received(pieces: readonly string[]): WholeMessage {
  const splitter = new HeaderSplitter();
  const rest = pieces.map((piece) => Buffer.from(piece, 'latin1')).filter((piece) => piece.length > 0);
  let split = null;
  while (split === null && rest.length > 0) split = splitter.push(rest.shift() ?? Buffer.alloc(0));
  split ??= splitter.end();
  const stored = new StoredBody({ threshold: 1e9, newPath: () => assert.fail('no file is due') });
  stored.append(split.body.length > 0 ? [split.body, ...rest] : rest);
  return new WholeMessage(new Header(split.header), split.separator, stored);
}

describe('the blank line', () => {
  it('is put between fields of ours and a text without header', async () => {
    const { fields, whole } = message({ body: ['just text\r\n'] });
    fields.addTop('Received', 'from x');
    assert.equal(await both(whole, 'as-received'), 'Received: from x\r\n\r\njust text\r\n');
    assert.equal(whole.size, 'Received: from x\r\n\r\njust text\r\n'.length);
  });

  it('is not put behind a header that has no body', async () => {
    const { fields, whole } = message({ header: 'A: b\r\n' });
    fields.addTop('Received', 'from x');
    assert.equal(await both(whole, 'as-received'), 'Received: from x\r\nA: b\r\n');
  });

  it('stays as it came, also when the header has changed', async () => {
    const { fields, whole } = message({ header: 'A: b\n', separator: '\n', body: ['text\n'] });
    fields.delete('a');
    fields.addTop('C', 'd');
    assert.equal(await both(whole, 'as-received'), 'C: d\r\n\ntext\n');
    assert.equal(await both(whole, 'lf'), 'C: d\n\ntext\n');
  });
});

describe('line ends', () => {
  const text = 'A: b\r\nC: d\n';
  const body = 'one\r\ntwo\nthree\r\rfour\r\r\n\n\r\nlast\r';
  const expected = {
    lf: 'A: b\nC: d\n\none\ntwo\nthree\r\rfour\r\n\n\nlast\r',
    crlf: 'A: b\r\nC: d\r\n\r\none\r\ntwo\r\nthree\r\rfour\r\r\n\r\n\r\nlast\r',
  };

  for (const lineEnds of ['lf', 'crlf'] as const) {
    it(`become ${lineEnds}, wherever the body is cut in two or three`, async () => {
      for (let cut = 0; cut <= body.length; cut++) {
        for (let next = cut; next <= body.length; next++) {
          const pieces = [body.slice(0, cut), body.slice(cut, next), body.slice(next)];
          const converted = whole(pieces, lineEnds);
          assert.equal(converted, expected[lineEnds], JSON.stringify(pieces));
        }
      }
    });
  }

  // Big enough pieces are kept apart by the body, so that the cuts reach the converter.
  function whole(pieces: readonly string[], lineEnds: LineEnds): string {
    const fields = new Header(Buffer.from(text));
    const asPieces = {
      size: body.length,
      inMemory: () => pieces.map((piece) => Buffer.from(piece)),
      chunks: () => assert.fail('is in memory'),
      lines: () => assert.fail('nobody asks for lines'),
    };
    return held(new WholeMessage(fields, Buffer.from('\r\n'), asPieces), lineEnds);
  }

  it('are the same when the body is in a file', async () => {
    const inFile = {
      size: body.length,
      inMemory: () => null,
      async *chunks() {
        for (const char of body) yield Buffer.from(char);
      },
      lines: () => assert.fail('nobody asks for lines'),
    };
    const message = new WholeMessage(new Header(Buffer.from(text)), Buffer.from('\r\n'), inFile);
    assert.equal(message.inMemory('lf'), null);
    assert.equal(await streamed(message, 'lf'), expected.lf);
    assert.equal(await streamed(message, 'crlf'), expected.crlf);
    assert.equal(await streamed(message, 'crlf'), expected.crlf);
  });
});
