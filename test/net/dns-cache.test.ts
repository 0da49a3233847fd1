import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { DnsAnswer } from '../../src/net/dns-answer.ts';
import { failed, noData, noName, timedOut } from '../../src/net/dns-answer.ts';
import { DnsCache } from '../../src/net/dns-cache.ts';
import { manualClock } from './loopback-dns.ts';

const answer = (ttl: number): DnsAnswer<string> => ({ kind: 'answer', values: ['x'], ttl });
const DAY = 86_400;

it('keeps an answer for a day at most, and tells what is left', () => {
  const clock = manualClock();
  const cache = new DnsCache<string>(clock);
  cache.set('A a', answer(10 * DAY), 10 * DAY);
  assert.deepEqual(cache.get('A a'), answer(DAY));
  clock.advance(DAY - 0.5);
  assert.deepEqual(cache.get('A a'), answer(1));
  clock.advance(0.5);
  assert.equal(cache.get('A a'), undefined);
  assert.equal(cache.size, 0);
});

it('keeps "there is none" for an hour at most', () => {
  const clock = manualClock();
  const cache = new DnsCache<string>(clock);
  cache.set('A a', noName, DAY);
  cache.set('A b', noData, DAY);
  clock.advance(3599);
  assert.deepEqual([cache.get('A a'), cache.get('A b')], [noName, noData]);
  clock.advance(1);
  assert.deepEqual([cache.get('A a'), cache.get('A b')], [undefined, undefined]);
});

it('keeps no failure, no timeout, and nothing for zero seconds', () => {
  const cache = new DnsCache<string>(manualClock());
  cache.set('A a', failed('SERVFAIL'), 60);
  cache.set('A b', timedOut, 60);
  cache.set('A c', answer(0), 0);
  assert.equal(cache.size, 0);
});

it('drops the oldest when it is full; setting anew makes young', () => {
  const cache = new DnsCache<string>(manualClock(), 2);
  cache.set('A a', answer(1), 1);
  cache.set('A b', answer(2), 2);
  cache.set('A a', answer(3), 3);
  cache.set('A c', answer(4), 4);
  assert.equal(cache.size, 2);
  assert.deepEqual([cache.get('A a'), cache.get('A b'), cache.get('A c')], [answer(3), undefined, answer(4)]);
});

it('holds ten thousand by default', () => {
  const cache = new DnsCache<string>(manualClock());
  for (let i = 0; i < 10_005; i++) cache.set(`A ${i}`, answer(1), 1);
  assert.equal(cache.size, 10_000);
  assert.equal(cache.get('A 4'), undefined);
  assert.deepEqual(cache.get('A 5'), answer(1));
});

it('forgets all when cleared', () => {
  const cache = new DnsCache<string>(manualClock());
  cache.set('A a', answer(1), 1);
  cache.clear();
  assert.equal(cache.get('A a'), undefined);
});
