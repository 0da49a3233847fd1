import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeResolver, systemClock } from '../../src/cli/assemble.ts';
import { reverseNames } from '../../src/server/reverse-names.ts';
import { loopbackDns, replyTo } from '../net/loopback-dns.ts';
import { cleanUp } from '../support/cleanup.ts';

async function names(values: readonly string[], rcode = 0) {
  const dns = await loopbackDns(({ query, name }) => [
    replyTo(query, { rcode, answers: values.map((data) => ({ type: 'PTR', name, data, ttl: 60 })) }),
  ]);
  cleanUp(() => dns.close());
  const { address, port } = dns.server;
  return { ask: reverseNames(makeResolver(systemClock, { host: address, port })), dns };
}

describe('reverseNames', () => {
  it('asks for the PTR record', async () => {
    const { ask, dns } = await names(['mail.example.org']);
    assert.equal(await ask('192.0.2.9'), 'mail.example.org');
    assert.match(dns.log.join(), /PTR 9\.2\.0\.192\.in-addr\.arpa/);
  });

  it('has "Unknown" for a client without a name', async () => {
    assert.equal(await (await names([], 3)).ask('192.0.2.9'), 'Unknown');
  });

  it('does not ask for loopback', async () => {
    const { ask, dns } = await names(['mail.example.org']);
    assert.equal(await ask('127.1.2.3'), 'localhost');
    assert.equal(await ask('::1'), 'localhost');
    assert.deepEqual(dns.log, []);
  });

  it('takes no name that could forge a log line or a field', async () => {
    assert.equal(await (await names(['a b(c).example'])).ask('192.0.2.9'), 'Unknown');
  });
});
