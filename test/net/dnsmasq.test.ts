// The resolver against a DNS server that is not ours. Needs the program dnsmasq (Debian: dnsmasq-base); without
// it the test fails and says so.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DnsResolver } from '../../src/net/resolver.ts';
import { startDnsmasq } from '../support/dnsmasq.ts';
import { manualClock } from './loopback-dns.ts';

const long = 'x'.repeat(200);
const records = [
  '--local=/example.com/',
  '--host-record=mail.example.com,192.0.2.1,2001:db8::1',
  '--cname=www.example.com,mail.example.com',
  '--txt-record=example.com,"v=spf1 ","-all"',
  '--txt-record=a+b:c._spf.example.com,macro',
  ...['one', 'two', 'three', 'four'].map((word) => `--txt-record=big.example.com,${word},${long}`),
  '--mx-host=example.com,mail.example.com,10',
];

test('dnsmasq and the resolver understand each other', { timeout: 20_000 }, async (t) => {
  const server = await startDnsmasq(records);
  const resolver = new DnsResolver({ clock: manualClock(), servers: [server] });
  t.after(() => resolver.close());
  const values = async (asked: Promise<{ kind: string; values?: readonly unknown[] }>) => {
    const { kind, values } = await asked;
    return values ?? kind;
  };
  assert.deepEqual(await values(resolver.resolve4('mail.example.com')), ['192.0.2.1']);
  assert.deepEqual(await values(resolver.resolve6('mail.example.com')), ['2001:db8::1']);
  assert.deepEqual(await values(resolver.resolve4('www.example.com')), ['192.0.2.1']);
  assert.deepEqual(await values(resolver.resolveTxt('a+b:c._spf.example.com')), ['macro']);
  const mx = [{ preference: 10, exchange: 'mail.example.com' }];
  assert.deepEqual(await values(resolver.resolveMx('example.com')), mx);
  assert.deepEqual(await values(resolver.reverse('192.0.2.1')), ['mail.example.com']);
  assert.deepEqual(await values(resolver.reverse('2001:db8::1')), ['mail.example.com']);
  assert.equal(await values(resolver.resolve4('none.example.com')), 'no-name');
  assert.equal(await values(resolver.resolveMx('mail.example.com')), 'no-data');
  // Not ours to answer, and there is no server above: dnsmasq refuses.
  assert.equal(await values(resolver.resolve4('example.org')), 'failure');
  // More than 512 octets: only TCP has them all.
  const big = await resolver.resolveTxt('big.example.com');
  assert.equal(big.kind === 'answer' && big.values.length, 4);
});
