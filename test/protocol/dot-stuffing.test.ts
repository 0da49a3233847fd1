// Dots and end mark: whatever the pieces, the receiver gets the message back (RFC 5321 section 4.5.2).

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DotStuffer, SmugglingError } from '../../src/protocol/dot-stuffing.ts';
import { seededRandom } from '../support/mail-load.ts';

/** What goes over the wire, the message cut into pieces of so many octets. */
function wire(message: string, size: number): string {
  const stuffer = new DotStuffer();
  const octets = Buffer.from(message, 'latin1');
  let sent = '';
  for (let at = 0; at < octets.length; at += size) {
    for (const piece of stuffer.stuff(octets.subarray(at, at + size))) sent += piece.toString('latin1');
  }
  return sent + stuffer.end();
}

/** As a server reads it, RFC 5321 section 4.5.2. Null where the message is not over, or over too early. */
function received(text: string): string | null {
  const lines = text.split('\r\n');
  const end = lines.indexOf('.');
  if (end !== lines.length - 2 || lines.at(-1) !== '') return null;
  return lines
    .slice(0, end)
    .map((line) => (line.startsWith('.') ? line.slice(1) : line))
    .map((line) => `${line}\r\n`)
    .join('');
}

const sizes = [1, 2, 3, 5, 1000];

describe('a message behind DATA', () => {
  const messages: Readonly<Record<string, string>> = {
    'without dots': 'Subject: a\r\n\r\nHello\r\n',
    'a dot at its very beginning': '.\r\n',
    'dots of all kinds': '.\r\n..\r\n.a\r\na.\r\n\r\n.\r\n.\r\n',
    'nothing but blank lines': '\r\n\r\n',
    'bare CR and NUL': 'a\rb\r\r\n\0.\r\n.\0\r\n\r.x\r\n',
    '8-bit': '.\xff\r\n\xfe.\r\n',
  };
  for (const [what, message] of Object.entries(messages)) {
    test(`arrives as it is: ${what}`, () => {
      for (const size of sizes) assert.equal(received(wire(message, size)), message, `pieces of ${size}`);
    });
  }

  test('ends with a line end, which is added where it has none', () => {
    for (const size of sizes) {
      assert.equal(wire('a', size), 'a\r\n.\r\n');
      assert.equal(wire('.', size), '..\r\n.\r\n');
      assert.equal(wire('a\r', size), 'a\r\r\n.\r\n');
    }
  });

  test('is an end mark when it is empty', () => {
    assert.equal(new DotStuffer().end(), '.\r\n');
    assert.deepEqual(new DotStuffer().stuff(Buffer.alloc(0)), []);
  });

  test('goes on untouched where no line begins with a dot', () => {
    const chunk = Buffer.from('a.b\r\nc\r\n');
    assert.equal(new DotStuffer().stuff(chunk)[0], chunk);
  });

  test('arrives as it is, whatever it is made of', () => {
    const random = seededRandom(1);
    const parts = ['.', '..', '\r\n', '\r\n.', 'a', '\r', '\0'];
    for (let round = 0; round < 2000; round++) {
      const count = Math.floor(random() * 12);
      const text = Array.from({ length: count }, () => parts[Math.floor(random() * parts.length)]).join('');
      const message = text.endsWith('\r\n') || text === '' ? text : `${text}\r\n`;
      if (message.includes('\r.\r')) continue;
      const size = 1 + Math.floor(random() * 4);
      assert.equal(received(wire(message, size)), message, JSON.stringify({ message, size }));
    }
  });
});

test('a lone dot between bare CRs, an end mark to some servers, is not sent', () => {
  for (const message of ['a\r.\r\nMAIL FROM:<x@y.example>\r\n', 'a\r.\rb\r\n', '\r.\r']) {
    for (const size of sizes) {
      assert.throws(() => wire(message, size), SmugglingError, JSON.stringify({ message, size }));
    }
  }
});
