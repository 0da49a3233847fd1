// The resolver against a DNS server that is not ours. Needs the program dnsmasq (Debian: dnsmasq-base); without
// it the test fails and says so.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import type { DnsServer } from '../../src/net/dns-server.ts';
import { DnsResolver } from '../../src/net/resolver.ts';
import { closedPort, manualClock } from './loopback-dns.ts';

const long = 'x'.repeat(200);
const records = [
  '--host-record=mail.example.com,192.0.2.1,2001:db8::1',
  '--cname=www.example.com,mail.example.com',
  '--txt-record=example.com,"v=spf1 ","-all"',
  '--txt-record=a+b:c._spf.example.com,macro',
  ...['one', 'two', 'three', 'four'].map((word) => `--txt-record=big.example.com,${word},${long}`),
  '--mx-host=example.com,mail.example.com,10',
];

function environment(): Record<string, string> {
  // dnsmasq-base puts the program where an ordinary user's PATH does not look.
  return { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin` };
}

async function startDnsmasq(t: TestContext): Promise<DnsServer> {
  const port = await closedPort();
  const args = ['--no-daemon', '--no-resolv', '--no-hosts', '--conf-file=/dev/null', '--pid-file='];
  const place = [`--port=${port}`, '--listen-address=127.0.0.1', '--bind-interfaces', '--user='];
  const own = ['--local=/example.com/', '--local-ttl=60', '--auth-ttl=60'];
  const child = spawn('dnsmasq', [...args, ...place, ...own, ...records], {
    env: environment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.after(() => stop(child));
  await ready(child);
  return { address: '127.0.0.1', port };
}

/** Resolves when dnsmasq says that it has started. */
function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    child.once('error', (error) =>
      reject(new Error(`dnsmasq does not run; install it (Debian: dnsmasq-base): ${error.message}`)),
    );
    child.once('exit', (code) => reject(new Error(`dnsmasq ended with ${code}: ${said}`)));
    child.stderr?.on('data', (chunk) => {
      said += chunk;
      if (said.includes('started')) resolve();
    });
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.kill();
  await ended;
}

test('dnsmasq and the resolver understand each other', { timeout: 20_000 }, async (t) => {
  const server = await startDnsmasq(t);
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
