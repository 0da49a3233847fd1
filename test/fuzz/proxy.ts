// The PROXY header, versions 1 and 2, as it comes octet by octet.

import assert from 'node:assert/strict';
import { isIP, SocketAddress } from 'node:net';
import {
  LONGEST_V1,
  LONGEST_V2,
  type ProxyReading,
  readProxyHeader,
} from '../../src/protocol/proxy-header.ts';
import { Mutator } from './support/mutator.ts';
import { Random, seedOf } from './support/random.ts';
import type { Target } from './support/target.ts';

const START = '\r\n\r\n\0\r\nQUIT\n';
export const proxySeeds: readonly string[] = [
  'PROXY TCP4 192.0.2.1 192.0.2.25 49152 25\r\nEHLO a\r\n',
  'PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 1 65535\r\n',
  'PROXY UNKNOWN\r\n',
  `${START}\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x19\xc0\0\0\x19EHLO a\r\n`,
  `${START}\x21\x21\0\x24${'\x20\x01\x0d\xb8'.repeat(8)}\xc0\0\0\x19`,
  `${START}\x20\0\0\0`,
  `${START}\x21\x11\0\x28\xc0\0\x02\x01\xc0\0\x02\x19\xc0\0\0\x19\x20\0\x0d\x01\0\0\0\0\x21\0\x05TLSv1\x02\0\x09a.example`,
];
export const proxyTokens: readonly string[] = [
  ...[
    START,
    'PROXY ',
    'TCP4 ',
    'TCP6 ',
    'UNKNOWN',
    '\r\n',
    '\n',
    ' ',
    '::',
    '0',
    '65536',
    '256',
    '\x20',
    '\x21',
  ],
  ...['\x11', '\x31', '\xff\xff', '\0', '\0\x0c', '\x40\0', '\x20\0\x05\x01\0\0\0\0', '\x02\0\x01a'],
];

export const proxyTarget: Target = {
  name: 'proxy',
  promise: 'never throws, waits for bounded octets, and says of the first octets what it says of all',
  open() {
    const mutator = new Mutator(proxySeeds, proxyTokens);
    return { make: (random) => mutator.make(random), run: check };
  },
};

function check(input: Buffer): void {
  const whole = readProxyHeader(input);
  checkReading(whole, input.length);
  const random = new Random(seedOf(input));
  // All that a reader sees on the way is `more`, and then what it sees in the end.
  let at = 0;
  let reading: ProxyReading = { kind: 'more' };
  while (at < input.length && reading.kind === 'more') {
    at = Math.min(input.length, at + 1 + random.below(8));
    reading = readProxyHeader(input.subarray(0, at));
    checkReading(reading, at);
  }
  if (input.length > 0) assert.deepEqual(reading, whole);
}

function checkReading(reading: ProxyReading, available: number): void {
  if (reading.kind === 'more') assert.ok(available < LONGEST_V2);
  if (reading.kind === 'bad') assert.match(reading.why, /^[\x20-\x7e]+$/);
  if (reading.kind === 'more' || reading.kind === 'bad' || reading.kind === 'none') return;
  const { version, length, addresses, tls } = reading;
  assert.ok(length <= available && length <= (version === 1 ? LONGEST_V1 : LONGEST_V2));
  assert.equal(reading.kind === 'proxied', addresses !== null);
  if (addresses !== null) {
    for (const ip of [addresses.remoteIp, addresses.localIp]) {
      const family = isIP(ip) === 6 ? 'ipv6' : 'ipv4';
      const socketForm = new SocketAddress({ address: ip, family }).address;
      // The IPv4-compatible addresses (RFC 4291 section 2.5.5.1) are out of use, and their form is free.
      if (!socketForm.startsWith('::') || !socketForm.includes('.')) assert.equal(socketForm, ip);
    }
    for (const port of [addresses.remotePort, addresses.localPort]) assert.ok(port >= 0 && port <= 65_535);
  }
  for (const word of tls === null ? [] : Object.values(tls)) assert.match(word ?? 'none', /^[\w.-]+$/);
}
