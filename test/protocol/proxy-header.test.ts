// The examples of haproxy's proxy-protocol.txt, and what must not pass for a header.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  LONGEST_V1,
  LONGEST_V2,
  type ProxyReading,
  readProxyHeader,
} from '../../src/protocol/proxy-header.ts';

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

function read(text: string): ProxyReading {
  return readProxyHeader(Buffer.from(text, 'latin1'));
}

/** @param field type and value of an extension */
function extension(type: number, value: Buffer): Buffer {
  const head = Buffer.from([type, 0, 0]);
  head.writeUInt16BE(value.length, 1);
  return Buffer.concat([head, value]);
}

function v2(command: number, family: number, ...parts: readonly Buffer[]): Buffer {
  const block = Buffer.concat(parts);
  const head = Buffer.from([command, family, 0, 0]);
  head.writeUInt16BE(block.length, 2);
  return Buffer.concat([SIGNATURE, head, block]);
}

const V4 = Buffer.from([192, 0, 2, 1, 198, 51, 100, 2, 0x10, 0x01, 0, 25]);
const CLIENT_V4 = { remoteIp: '192.0.2.1', remotePort: 4097, localIp: '198.51.100.2', localPort: 25 };
const V6 = Buffer.from(`20010db8${'00'.repeat(11)}07${'20010db8'}${'00'.repeat(11)}1910010019`, 'hex');

describe('readProxyHeader, version 1', () => {
  it('reads TCP4', () => {
    const line = 'PROXY TCP4 192.0.2.1 198.51.100.2 4097 25\r\n';
    assert.deepEqual(read(`${line}EHLO x\r\n`), {
      kind: 'proxied',
      version: 1,
      length: line.length,
      addresses: CLIENT_V4,
      tls: null,
    });
  });

  it('reads TCP6, in any spelling of the address', () => {
    const header = read('PROXY TCP6 2001:0DB8:0:0:0:0:0:7 ::1 65535 0\r\n');
    assert.ok(header.kind === 'proxied');
    assert.deepEqual(header.addresses, {
      remoteIp: '2001:db8::7',
      remotePort: 65535,
      localIp: '::1',
      localPort: 0,
    });
  });

  it('takes an IPv4 address in IPv6 form for what it is', () => {
    const header = read('PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.2 1 2\r\n');
    assert.ok(header.kind === 'proxied');
    assert.equal(header.addresses?.remoteIp, '192.0.2.1');
  });

  it('reads UNKNOWN, with or without more words, up to the longest line there can be', () => {
    const longest = `${'PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535'.padEnd(LONGEST_V1 - 2, 'x')}\r\n`;
    for (const line of ['PROXY UNKNOWN\r\n', longest]) {
      const header = read(line);
      assert.deepEqual([header.kind, 'length' in header && header.length], ['unknown', line.length]);
    }
    assert.equal(read(`PROXY UNKNOWN ${longest.slice(13)}`).kind, 'bad');
  });

  const line = 'PROXY TCP4 192.0.2.1 198.51.100.2 4097 25\r\n';
  it('waits until the line is whole', () => {
    for (let length = 0; length < line.length; length++) {
      assert.equal(read(line.slice(0, length)).kind, 'more', `${length} octets`);
    }
    assert.equal(read(`PROXY ${'x'.repeat(LONGEST_V1 - 7)}`).kind, 'more');
    assert.equal(read(`PROXY ${'x'.repeat(LONGEST_V1 - 6)}`).kind, 'bad');
  });

  for (const bad of [
    'PROXY TCP4 192.0.2.1 198.51.100.2 4097 25\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 4097 25 \r\n',
    'PROXY  TCP4 192.0.2.1 198.51.100.2 4097 25\r\n',
    'PROXY TCP4 192.0.2.1  198.51.100.2 4097 25\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 4097\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 4097 65536\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 04097 25\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.2 -1 25\r\n',
    'PROXY TCP4 192.0.2.256 198.51.100.2 4097 25\r\n',
    'PROXY TCP4 192.0.02.1 198.51.100.2 4097 25\r\n',
    'PROXY TCP4 ::1 ::1 4097 25\r\n',
    'PROXY TCP6 192.0.2.1 198.51.100.2 4097 25\r\n',
    'PROXY TCP6 2001:db8::1%eth0 ::1 4097 25\r\n',
    'PROXY UDP4 192.0.2.1 198.51.100.2 4097 25\r\n',
    'PROXY TCP4 client.example 198.51.100.2 4097 25\r\n',
    'PROXY UNKNOWNS\r\n',
    'PROXY \r\n',
    'PROXY TCP4 192.0.2.1\0 198.51.100.2 4097 25\r\n',
  ]) {
    it(`refuses ${JSON.stringify(bad)}`, () => assert.equal(read(bad).kind, 'bad'));
  }
});

describe('readProxyHeader, version 2', () => {
  it('reads IPv4 and IPv6 addresses', () => {
    const octets = v2(0x21, 0x11, V4);
    assert.deepEqual(readProxyHeader(Buffer.concat([octets, Buffer.from('EHLO x\r\n')])), {
      kind: 'proxied',
      version: 2,
      length: octets.length,
      addresses: CLIENT_V4,
      tls: null,
    });
    const header = readProxyHeader(v2(0x21, 0x21, V6));
    assert.ok(header.kind === 'proxied');
    assert.deepEqual(header.addresses, {
      remoteIp: '2001:db8::7',
      remotePort: 4097,
      localIp: '2001:db8::19',
      localPort: 25,
    });
  });

  it('takes an IPv4 address in IPv6 form for what it is', () => {
    const mapped = Buffer.from(`${'00'.repeat(10)}ffffc0000201`.repeat(2), 'hex');
    const header = readProxyHeader(v2(0x21, 0x21, mapped, Buffer.from([0, 1, 0, 2])));
    assert.ok(header.kind === 'proxied');
    assert.equal(header.addresses?.remoteIp, '192.0.2.1');
  });

  it('LOCAL: the proxy speaks for itself, whatever else the header holds', () => {
    for (const octets of [v2(0x20, 0x00), v2(0x20, 0x11, V4), v2(0x20, 0xff, Buffer.from('junk'))]) {
      const header = readProxyHeader(octets);
      assert.ok(header.kind === 'local');
      assert.equal(header.length, octets.length);
    }
  });

  it('knows no address behind an unspecified family and unix sockets', () => {
    assert.equal(readProxyHeader(v2(0x21, 0x00, Buffer.from('junk'))).kind, 'unknown');
    assert.equal(readProxyHeader(v2(0x21, 0x31, Buffer.alloc(216))).kind, 'unknown');
    assert.equal(readProxyHeader(v2(0x21, 0x31, Buffer.alloc(215))).kind, 'bad');
  });

  it('waits until the header is whole', () => {
    const octets = v2(0x21, 0x11, V4, extension(0x04, Buffer.alloc(300)));
    for (let length = 0; length < octets.length; length++) {
      assert.equal(readProxyHeader(octets.subarray(0, length)).kind, 'more', `${length} octets`);
    }
    assert.equal(readProxyHeader(octets).kind, 'proxied');
  });

  it('bounds the length before it waits for it', () => {
    const long = Buffer.alloc(LONGEST_V2 - 16 - V4.length - 3);
    assert.equal(readProxyHeader(v2(0x21, 0x11, V4, extension(0x04, long))).kind, 'proxied');
    const longer = v2(0x21, 0x11, V4, extension(0x04, long), Buffer.alloc(1));
    assert.equal(readProxyHeader(longer.subarray(0, 16)).kind, 'bad');
  });

  for (const [what, octets] of [
    ['another version', v2(0x31, 0x11, V4)],
    ['another command', v2(0x22, 0x11, V4)],
    ['datagrams', v2(0x21, 0x12, V4)],
    ['an unknown family', v2(0x21, 0x41, V4)],
    ['too few octets for the addresses', v2(0x21, 0x11, V4.subarray(1))],
    ['an extension that is cut off', v2(0x21, 0x11, V4, Buffer.from([4, 0]))],
    ['an extension that is longer than the header', v2(0x21, 0x11, V4, Buffer.from([4, 0, 2, 0]))],
    ['TLS facts that are cut off', v2(0x21, 0x11, V4, extension(0x20, Buffer.alloc(4)))],
  ] as const) {
    it(`refuses ${what}`, () => assert.equal(readProxyHeader(octets).kind, 'bad'));
  }

  it('says what the proxy says of the TLS that has ended there', () => {
    const ssl = (flags: number) =>
      extension(
        0x20,
        Buffer.concat([
          Buffer.from([flags, 0, 0, 0, 0]),
          extension(0x21, Buffer.from('TLSv1.3')),
          extension(0x23, Buffer.from('TLS_AES_128_GCM_SHA256')),
        ]),
      );
    const name = extension(0x02, Buffer.from('MX.example'));
    const tlsOf = (...parts: readonly Buffer[]) => {
      const header = readProxyHeader(v2(0x21, 0x11, V4, ...parts));
      assert.ok(header.kind === 'proxied');
      return header.tls;
    };
    assert.deepEqual(tlsOf(name, ssl(1)), {
      protocol: 'TLSv1.3',
      cipher: 'TLS_AES_128_GCM_SHA256',
      serverName: 'mx.example',
    });
    assert.equal(tlsOf(name, ssl(0)), null, 'a client without TLS');
    const forged = extension(
      0x20,
      Buffer.concat([Buffer.from([1, 0, 0, 0, 0]), extension(0x23, Buffer.from('a\nb'))]),
    );
    assert.deepEqual(tlsOf(forged), { protocol: 'TLS', cipher: 'unknown', serverName: null });
  });
});

describe('readProxyHeader', () => {
  it('sees what is none as soon as that is certain', () => {
    for (const text of ['E', 'EHLO x\r\n', 'PROXX', 'proxy ', '\r\n\r\n\r\n', '\x16\x03\x01']) {
      assert.equal(read(text).kind, 'none', JSON.stringify(text));
    }
    for (const text of ['', 'P', 'PROXY', '\r\n', '\r\n\r\n\0']) assert.equal(read(text).kind, 'more');
  });

  it('reads no junk that begins like a header, whatever it is, and never throws', () => {
    let seed = 1;
    const random = () => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return seed / 2 ** 31;
    };
    const start = v2(0x21, 0x11, V4, extension(0x20, Buffer.alloc(9)));
    for (let round = 0; round < 5000; round++) {
      const octets = Buffer.from(start);
      for (let at = 0; at < 3; at++)
        octets[12 + Math.floor(random() * (octets.length - 12))] = random() * 256;
      const header = readProxyHeader(octets);
      if ('length' in header) assert.ok(header.length <= octets.length && header.length >= 16);
    }
  });
});
