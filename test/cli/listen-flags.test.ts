// Where to listen, by the options of qpsmtpd-forkserver and qpsmtpd-prefork and by --listen.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readArguments } from '../../src/cli/arguments.ts';
import { CommandError } from '../../src/cli/command.ts';
import { listenAddresses } from '../../src/cli/listen-flags.ts';
import { showListenAddress } from '../../src/server/listen-address.ts';

const definitions = {
  listen: { type: 'string' },
  'listen-address': { type: 'string', alias: 'l' },
  port: { type: 'string', alias: 'p' },
} as const;

const from = (...words: readonly string[]) =>
  listenAddresses(readArguments(definitions, words), 2525).map(showListenAddress);

describe('where to listen', () => {
  for (const [words, places] of [
    [[], ['*:2525']],
    [['-p', '25'], ['*:25']],
    [
      ['-p', '25', '--port', '587'],
      ['*:25', '*:587'],
    ],
    [['-l', '192.0.2.1'], ['192.0.2.1:2525']],
    [['-l', '192.0.2.1:25'], ['192.0.2.1:25']],
    [['--listen-address=mx.example:25'], ['mx.example:25']],
    [['-l', '[::1]:25'], ['[::1]:25']],
    [['-l', '[::1]'], ['[::1]:2525']],
    // All addresses, as without -l.
    [['-l', '[::]', '-p', '25'], ['*:25']],
    [['-l', '[::]:25'], ['*:25']],
    [['-l', '0.0.0.0'], ['0.0.0.0:2525']],
    // Each address without a port of its own at each port.
    [
      ['-l', '192.0.2.1', '-l', '[2001:db8::1]:26', '-p', '25', '-p', '587'],
      ['192.0.2.1:25', '192.0.2.1:587', '[2001:db8::1]:26'],
    ],
    // A port that no address needs is no address.
    [['-l', '192.0.2.1:26', '-p', '25'], ['192.0.2.1:26']],
    [['-l', '192.0.2.1:465'], ['192.0.2.1:465,tls']],
    // What is said twice is meant once.
    [['-p', '25', '-p', '25', '-l', '[::1]', '-l', '[::1]:25'], ['[::1]:25']],
    // --listen alone, and beside the others.
    [['--listen', '/run/smtp.sock,lmtp,mode=0600'], ['/run/smtp.sock,lmtp']],
    [
      ['--listen', '[::1]:26,tls', '-p', '25'],
      ['[::1]:26,tls', '*:25'],
    ],
    [
      ['-l', '127.0.0.1', '--listen', '127.0.0.1:24,lmtp'],
      ['127.0.0.1:24,lmtp', '127.0.0.1:2525'],
    ],
    // Any port that is free, as often as asked for.
    [
      ['--listen', '127.0.0.1:0', '--listen', '127.0.0.1:0'],
      ['127.0.0.1:0', '127.0.0.1:0'],
    ],
  ] as const) {
    it(words.join(' ') || 'nothing is said', () => {
      assert.deepEqual(from(...words), places);
    });
  }
});

describe('what cannot be listened on', () => {
  const address = (text: string) =>
    `--listen-address: "${text}" is not ADDR or ADDR:PORT, such as 192.0.2.1, 192.0.2.1:25 or [::1]:25; ` +
    'for unix sockets and words such as ,tls there is --listen';
  const port = (text: string) => `--port: "${text}" is no port: a number from 0 to 65535`;
  for (const [words, message] of [
    [['-l', '::1'], address('::1')],
    [['-l', '::1:25'], address('::1:25')],
    [['-l', '[::1'], address('[::1')],
    [['-l', ''], address('')],
    [['-l', ':25'], address(':25')],
    [['-l', '192.0.2.1:'], address('192.0.2.1:')],
    [['-l', '192.0.2.1:65536'], address('192.0.2.1:65536')],
    [['-l', '192.0.2.1:25,tls'], address('192.0.2.1:25,tls')],
    [['-l', '/run/smtp.sock'], address('/run/smtp.sock')],
    [['-l', '[mx.example]:25'], address('[mx.example]:25')],
    [['-p', 'smtp'], port('smtp')],
    [['-p', '65536'], port('65536')],
    [['-p', ''], port('')],
    [['-p', '25,tls'], port('25,tls')],
    [['-l', '192.0.2.1:25', '-p', 'x'], port('x')],
    [['--listen', '25'], '--listen: "25" is not ADDR:PORT, such as 0.0.0.0:25, [::1]:2525 or :25'],
  ] as const) {
    it(words.join(' '), () => {
      assert.throws(
        () => from(...words),
        (error) => {
          assert.ok(error instanceof CommandError);
          assert.equal(error.message, message);
          return true;
        },
      );
    });
  }
});
