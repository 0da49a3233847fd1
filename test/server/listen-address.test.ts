import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseHostPort, parseListenAddress, showListenAddress } from '../../src/server/listen-address.ts';

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

describe('words behind an address', () => {
  const at = { host: '192.0.2.1' };
  const good = [
    ['192.0.2.1:25,lmtp', { ...at, port: 25, lmtp: true }],
    [
      '192.0.2.1:25,proxy,lmtp,tls',
      { ...at, port: 25, proxy: true, lmtp: true, tls: true },
      '192.0.2.1:25,tls,lmtp,proxy',
    ],
    ['192.0.2.1:465', { ...at, port: 465, tls: true }, '192.0.2.1:465,tls'],
    ['192.0.2.1:465,tls', { ...at, port: 465, tls: true }],
    ['[::1]:24,lmtp', { host: '::1', port: 24, lmtp: true }],
    ['/run/qpsmtpd/smtp', { path: '/run/qpsmtpd/smtp' }],
    ['/run/lmtp,lmtp', { path: '/run/lmtp', lmtp: true }],
    ['/run/lmtp,mode=0666,lmtp', { path: '/run/lmtp', mode: 0o666, lmtp: true }, '/run/lmtp,lmtp'],
    ['/run/a:25,mode=600', { path: '/run/a:25', mode: 0o600 }, '/run/a:25'],
    [`/${'x'.repeat(106)}`, { path: `/${'x'.repeat(106)}` }],
  ] as const;
  for (const [text, address, shown = text] of good) {
    it(`reads ${text.slice(0, 40)}`, () => {
      const parsed = parseListenAddress(text);
      assert.deepEqual(parsed, address);
      assert.equal(showListenAddress(parsed), shown);
    });
  }

  for (const [text, sentence] of [
    [
      '192.0.2.1:25,',
      /^"," in "192\.0\.2\.1:25," cannot stand there: behind ADDR:PORT there may be ",tls", ",lmtp", ",proxy"$/,
    ],
    ['192.0.2.1:25,TLS', /^",TLS" in/],
    ['192.0.2.1:25,tls,tls', /^",tls" in/],
    ['192.0.2.1:25,mode=0660', /^",mode=0660" in/],
    [
      '/run/x,tls',
      /^",tls" in "\/run\/x,tls" cannot stand there: behind a socket path there may be ",lmtp", ",mode=/,
    ],
    ['/run/x,proxy', /^",proxy" in/],
    ['/run/x,mode=', /^"\/run\/x,mode=" needs mode= once/],
    ['/run/x,mode=999', /octal digits such as 0660$/],
    ['/run/x,mode=04755', /octal digits/],
    ['/run/x,mode=0600,mode=0660', /needs mode= once/],
    [`/${'x'.repeat(107)}`, /is longer than the 107 octets/],
    ['run/x', /is not ADDR:PORT/],
  ] as const) {
    it(`refuses "${text.slice(0, 40)}"`, () => {
      assert.throws(() => parseListenAddress(text), { message: sentence });
    });
  }

  it('have no place where an address is to be asked, not listened on', () => {
    assert.deepEqual(parseHostPort('192.0.2.53:53'), { host: '192.0.2.53', port: 53 });
    assert.throws(() => parseHostPort('192.0.2.53:53,tls'), { message: /is not ADDR:PORT/ });
  });
});
