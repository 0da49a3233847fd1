// helo, as far as transcripts cannot show it: entries of badhelo one by one, names and addresses that are near each other,
// and how long the DNS is waited for.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dnsFacts } from '../../plugins/_helo-dns.ts';
import {
  forgedLiteral,
  literalAddress,
  notQualified,
  parseBadHelo,
  plainName,
} from '../../plugins/_helo-name.ts';
import type { AskOptions, DnsAnswer, Resolver } from '../../src/contract/dns.ts';
import { fakeResolver } from '../support/fake-resolver.ts';
import { findingsFor, stageWith, talkOn } from './plugin-talk.ts';

const refuses = (entry: string, host: string) => parseBadHelo(entry).matches(plainName(host));

describe('an entry of badhelo', () => {
  it('is a name, in any case, with or without a final dot', () => {
    for (const host of ['aol.example', 'AOL.Example', 'aol.example.']) {
      assert.ok(refuses(' Aol.Example ', host), host);
    }
    for (const host of ['mail.aol.example', 'aol.example.net', 'aolxexample']) {
      assert.ok(!refuses('aol.example', host), host);
    }
  });

  it('is a pattern, found anywhere, where it has a character of patterns or stands between slashes', () => {
    assert.ok(refuses('ya.oo\\.example$', 'mail.YAHOO.example'));
    assert.ok(!refuses('ya.oo\\.example$', 'yoda.example'));
    assert.ok(refuses('/aol.example/', 'mail.aol-example.net'));
  });

  it('is a pattern that has to be found, behind a !', () => {
    assert.ok(refuses('!\\.', 'host-only'));
    assert.ok(!refuses('!\\.', 'host.example'));
    assert.ok(refuses('!/example$/', 'a.example.net'));
  });

  it('is an address, plain or as a literal, of which no character counts by itself', () => {
    assert.ok(refuses('192.0.2.1', '192.0.2.1'));
    assert.ok(refuses('[192.0.2.1]', '[192.0.2.1]'));
    assert.ok(!refuses('[192.0.2.1]', 'host1.example'));
  });

  it('is a mistake where it is neither', async () => {
    assert.throws(() => parseBadHelo('a.example b.example'), /"a\.example b\.example" is no name/);
    assert.throws(() => parseBadHelo('(a'), /"\(a" is not a pattern: /);
  });
});

describe('an address literal', () => {
  it('is read with the tag of RFC 5321 and without', () => {
    for (const [host, address] of [
      ['[192.0.2.255]', '192.0.2.255'],
      ['[IPv6:2001:db8::1]', '2001:db8::1'],
      ['[ipv6:2001:db8::1]', '2001:db8::1'],
      ['[2001:db8::1]', '2001:db8::1'],
      ['[192.0.2.256]', null],
      ['192.0.2.1', null],
      ['[mail.example]', null],
    ] as const) {
      assert.equal(literalAddress(host), address, host);
    }
  });

  it('is compared as an address', () => {
    assert.equal(forgedLiteral('[IPv6:2001:DB8:0::1]', '2001:db8::1'), null);
    assert.equal(forgedLiteral('[192.0.2.1]', '::ffff:192.0.2.1'), null);
    assert.ok(forgedLiteral('[192.0.2.1]', '192.0.2.11'));
    assert.ok(forgedLiteral('[127.0.0.1]', '192.0.2.11'));
  });
});

it('a host name has a domain, and characters of host names', () => {
  for (const name of ['mail.example', 'a-b.c1.example', '[192.0.2.1]', '[ipv6:2001:db8::1]']) {
    assert.equal(notQualified(name), null, name);
  }
  for (const name of ['mail', 'm_x.example', 'a..example', '[x.example]', 'mail.example:25', 'é.example']) {
    assert.ok(notQualified(name), name);
  }
});

describe('names and addresses', () => {
  const found = (...values: string[]): DnsAnswer<string> => ({ kind: 'answer', values, ttl: 1 });
  const none: DnsAnswer<string> = { kind: 'no-name' };

  it('belong together within a network', () => {
    const isNear = (address: string, ip: string) =>
      dnsFacts('a.example', ip, { addresses: [found(address)], names: none }).forwardMatch;
    assert.ok(isNear('192.0.2.1', '192.0.2.1'));
    assert.ok(isNear('192.0.2.1', '192.0.2.254'));
    assert.ok(isNear('2001:db8::1', '2001:db8::2'));
    assert.ok(isNear('192.0.2.1', '::ffff:192.0.2.2'));
    assert.ok(!isNear('192.0.2.1', '192.0.1.1'));
    assert.ok(!isNear('2001:db8::1', '2001:db7::1'));
    assert.ok(!isNear('::ffff:192.0.2.1', '198.51.100.1'));
  });

  it('belong together within a domain', () => {
    const isAkin = (name: string, other: string) =>
      dnsFacts(name, '192.0.2.1', { addresses: [], names: found(other) }).reverseMatch;
    assert.ok(isAkin('mx0.example.com', 'MX0.example.com.'));
    assert.ok(isAkin('mx0.example.com', 'mx1.example.com'));
    assert.ok(!isAkin('mx0.example.com', 'mx0.example.net'));
    assert.ok(!isAkin('com', 'com'));
  });
});

describe('helo and the DNS', () => {
  /** Keeps every question waiting until it has been told to answer. */
  function slowResolver() {
    const limits: AskOptions[] = [];
    const told = Promise.withResolvers<void>();
    const allAsked = Promise.withResolvers<void>();
    const later = (ask: Resolver['reverse']): Resolver['reverse'] => {
      return async (name, options) => {
        limits.push(options ?? {});
        if (limits.length === 3) allAsked.resolve();
        await told.promise;
        return ask(name, options);
      };
    };
    const dns = fakeResolver({
      'mail.example': { A: ['192.0.2.1'] },
      '192.0.2.1': { PTR: ['mail.example'] },
    });
    const { resolve4, resolve6, reverse } = dns;
    const slow = { ...dns, resolve4: later(resolve4), resolve6: later(resolve6), reverse: later(reverse) };
    return { dns: slow, limits, allAsked: allAsked.promise, answer: told.resolve };
  }

  for (const [words, timeoutMs] of [
    ['', 5000],
    [' timeout 2', 2000],
    [' timeout 2 dns_timeout 1.5', 1500],
    [' timeout 0', 5000],
  ] as const) {
    it(`asks all questions at a time, each with its limit: "policy rfc${words}"`, async () => {
      const { dns, limits, allAsked, answer } = slowResolver();
      const talk = await talkOn(await stageWith([`helo policy rfc${words}`], { dns }));
      const reply = talk.say('EHLO mail.example');
      await allAsked;
      assert.deepEqual(
        limits.map((limit) => limit.timeoutMs),
        [timeoutMs, timeoutMs, timeoutMs],
      );
      assert.ok(limits.every(({ signal }) => signal instanceof AbortSignal));
      answer();
      assert.match(await reply, /^250[ -]/);
    });
  }

  it('asks nothing with policy lenient, nor for a name that is no name', async () => {
    const dns = fakeResolver({});
    const lenient = await talkOn(await stageWith(['helo'], { dns }));
    assert.match(await lenient.say('EHLO nowhere.example'), /^250[ -]/);
    const strict = await talkOn(await stageWith(['helo policy rfc'], { dns }));
    assert.match(await strict.say('EHLO nowhere'), /^550 /);
    assert.deepEqual(dns.asked, []);
  });
});

describe('the line of helo', () => {
  for (const [line, text] of [
    ['helo policy severe', /"severe" is none of lenient, rfc, strict/],
    ['helo timeout soon', /"soon" is not a number/],
  ] as const) {
    it(`does not take "${line}"`, async () => {
      assert.match((await findingsFor([line]))[0]?.text ?? '', text);
    });
  }
});
