import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseListenAddress, showListenAddress } from '../../src/server/listen-address.ts';

describe('parseListenAddress', () => {
  const good = [
    ['127.0.0.1:25', '127.0.0.1', 25, '127.0.0.1:25'],
    ['[::1]:2525', '::1', 2525, '[::1]:2525'],
    ['[::ffff:192.0.2.1]:25', '::ffff:192.0.2.1', 25, '[::ffff:192.0.2.1]:25'],
    [':25', '', 25, '*:25'],
    ['*:25', '', 25, '*:25'],
    ['localhost:0', 'localhost', 0, 'localhost:0'],
    ['mx.example:65535', 'mx.example', 65535, 'mx.example:65535'],
  ] as const;
  for (const [text, host, port, shown] of good) {
    it(`reads ${text}`, () => {
      const address = parseListenAddress(text);
      assert.deepEqual(address, { host, port });
      assert.equal(showListenAddress(address), shown);
    });
  }

  for (const text of [
    '',
    '25',
    'localhost',
    '::1:25',
    '[::1]',
    '127.0.0.1:',
    ':65536',
    ':-1',
    'a b:25',
    '[x]:25',
  ]) {
    it(`refuses "${text}"`, () => {
      assert.throws(() => parseListenAddress(text), { message: /^".*" is not ADDR:PORT/ });
    });
  }
});
