// Questions to lists in the DNS: all at once, for a limited time, ended by the first list that lists.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { askZones, eachOnce, listedName } from '../../plugins/_dns-list.ts';
import type { AskOptions, DnsAnswer } from '../../src/contract/dns.ts';
import { HandClock } from '../server/support.ts';
import { fakeResolver } from '../support/fake-resolver.ts';

const zones = (...names: readonly string[]) => names.map((name) => ({ name, text: null }));
const never = new AbortController().signal;

/** A resolver whose answers the test gives, by the name of the question. */
function openQuestions() {
  const open = new Map<string, { answer: (value: DnsAnswer<string>) => void; options: AskOptions }>();
  const ask = (name: string, options: AskOptions = {}) =>
    new Promise<DnsAnswer<string>>((answer) => {
      open.set(name, { answer, options });
      options.signal?.addEventListener('abort', () => answer({ kind: 'failure', reason: 'aborted' }));
    });
  return { open, dns: { ...fakeResolver({}), resolve4: ask, resolveTxt: ask } };
}

const listed: DnsAnswer<string> = { kind: 'answer', values: ['127.0.0.2'], ttl: 1 };

describe('listedName', () => {
  it('turns addresses around (RFC 5782 sections 2.1 and 2.4)', () => {
    assert.equal(listedName('192.0.2.99'), '99.2.0.192');
    assert.equal(listedName('::ffff:192.0.2.99'), '99.2.0.192');
    assert.equal(
      listedName('2001:db8:1:2:3:4:567:89ab'),
      'b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2',
    );
  });

  for (const ip of [
    ...['127.0.0.1', '10.9.8.7', '172.31.255.255', '192.168.1.1', '169.254.1.1', '100.64.0.1', '0.0.0.0'],
    ...[
      '224.0.0.1',
      '255.255.255.255',
      '::1',
      '::',
      'fe80::1%eth0',
      'fd00::1',
      '::ffff:10.0.0.1',
      'local',
      '',
    ],
  ]) {
    it(`is null for "${ip}"`, () => assert.equal(listedName(ip), null));
  }

  it('knows the neighbours of private networks', () => {
    assert.equal(listedName('172.32.0.1'), '1.0.32.172');
    assert.equal(listedName('100.128.0.1'), '1.0.128.100');
    assert.equal(listedName('223.255.255.255'), '255.255.255.223');
  });
});

describe('askZones', () => {
  it('asks all zones at once, and is done with the first that lists', async () => {
    const { open, dns } = openQuestions();
    const asked = askZones(zones('a.example', 'b.example'), '1', {
      dns,
      clock: new HandClock(),
      signal: never,
      timeoutMs: 5000,
    });
    assert.deepEqual([...open.keys()], ['1.a.example', '1.b.example']);
    open.get('1.b.example')?.answer(listed);
    await new Promise(setImmediate);
    open.get('1.b.example')?.answer({ kind: 'answer', values: ['why\r\n250 ok\0'], ttl: 1 });
    const { listing } = await asked;
    assert.deepEqual(listing, {
      zone: { name: 'b.example', text: null },
      codes: ['127.0.0.2'],
      text: 'why 250 ok?',
    });
    assert.equal(open.get('1.a.example')?.options.signal?.aborted, true, 'nobody waits for the slow one');
  });

  it('gives the second question what the first has left of the time', async () => {
    const { open, dns } = openQuestions();
    const clock = new HandClock();
    const asked = askZones(zones('a.example'), '1', { dns, clock, signal: never, timeoutMs: 5000 });
    assert.equal(open.get('1.a.example')?.options.timeoutMs, 5000);
    clock.ms += 4000;
    open.get('1.a.example')?.answer(listed);
    await new Promise(setImmediate);
    assert.equal(open.get('1.a.example')?.options.timeoutMs, 1000);
    open.get('1.a.example')?.answer({ kind: 'timeout' });
    assert.equal((await asked).listing?.text, null);
  });

  it('ends when the signal aborts, and blames no zone', async () => {
    const { dns } = openQuestions();
    const stop = new AbortController();
    const asked = askZones(zones('a.example'), '1', {
      dns,
      clock: new HandClock(),
      signal: stop.signal,
      timeoutMs: 5000,
    });
    stop.abort();
    const found = await asked;
    assert.deepEqual(found.failures, []);
    assert.equal(found.isAnswered, false);
  });

  it('shows no more than 400 characters of a text', async () => {
    const dns = fakeResolver({ '1.a.example': { A: ['127.0.0.2'], TXT: ['x'.repeat(3000)] } });
    const asking = { dns, clock: new HandClock(), signal: never, timeoutMs: 5000 };
    assert.equal((await askZones(zones('a.example'), '1', asking)).listing?.text, 'x'.repeat(400));
  });

  it('counts what a zone says of a listing beside other addresses, and a text without any address', async () => {
    const dns = fakeResolver({
      '1.a.example': { A: ['203.0.113.1', '127.0.0.9'] },
      '2.a.example': { TXT: ['a text'] },
      '3.a.example': { A: ['127.0.0.1'] },
    });
    const asking = { dns, clock: new HandClock(), signal: never, timeoutMs: 5000 };
    assert.deepEqual((await askZones(zones('a.example'), '1', asking)).listing?.codes, ['127.0.0.9']);
    assert.equal((await askZones(zones('a.example'), '2', asking)).listing?.text, 'a text');
    const [strange] = (await askZones(zones('a.example'), '3', asking)).strange;
    assert.equal(strange?.values, '127.0.0.1');
  });

  it('asks for no text where the zone has one', async () => {
    const dns = fakeResolver({
      '1.a.example': { A: ['127.0.0.2'], TXT: ['x'] },
      '2.a.example': { TXT: ['x'] },
    });
    const asking = { dns, clock: new HandClock(), signal: never, timeoutMs: 5000 };
    const own = [{ name: 'a.example', text: 'mine' }];
    assert.equal((await askZones(own, '1', asking)).listing?.text, null);
    assert.equal((await askZones(own, '2', asking)).listing, null);
    assert.deepEqual(dns.asked, ['A 1.a.example', 'A 2.a.example']);
  });
});

describe('eachOnce', () => {
  it('has the last of two lines for a zone', () => {
    const twice = [...zones('a.example', 'b.example'), { name: 'a.example', text: 'last' }];
    assert.deepEqual(eachOnce(twice), [{ name: 'a.example', text: 'last' }, ...zones('b.example')]);
  });
});
