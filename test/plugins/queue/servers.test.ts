// Lists of servers: how they are written, and who is asked first.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NotSentError, OptionError } from 'qpsmtpd';
import { readServers, ServerList, showServer, type Target } from '../../../plugins/queue/_servers.ts';
import { mail } from '../../net/outgoing.ts';

describe('a list of servers', () => {
  const good: readonly (readonly [string, readonly string[]])[] = [
    ['mx.example.org', ['mx.example.org:25']],
    ['10.2.2.2', ['10.2.2.2:25']],
    ['10.2.2.2:2525', ['10.2.2.2:2525']],
    ['under_score.example', ['under_score.example:25']],
    ['[2001:db8::1]', ['[2001:db8::1]:25']],
    ['[2001:db8::1]:2525', ['[2001:db8::1]:2525']],
    ['2001:db8::1', ['[2001:db8::1]:25']],
    ['::1', ['[::1]:25']],
    ['a.example,b.example:26,[::1]:27', ['a.example:25', 'b.example:26', '[::1]:27']],
  ];
  for (const [text, servers] of good) {
    test(text, () => assert.deepEqual(readServers(text, 25).map(showServer), servers));
  }

  for (const text of [
    '',
    'a,',
    'a b',
    'a:0',
    'a:65536',
    'a:b',
    '[a]',
    '[::1',
    '/run/lmtp',
    'a/b',
    '[::1]:',
  ]) {
    test(`not ${JSON.stringify(text)}`, () => assert.throws(() => readServers(text, 25), OptionError));
  }

  test('has paths of sockets where they are allowed', () => {
    const servers = readServers('/run/lmtp,a.example', 24, true);
    assert.deepEqual(servers, [{ path: '/run/lmtp' }, { host: 'a.example', port: 24 }]);
    assert.deepEqual(servers.map(showServer), ['/run/lmtp', 'a.example:24']);
    assert.throws(() => readServers('run/lmtp', 24, true), OptionError);
  });
});

describe('who is asked first', () => {
  let now = 0;
  const clock = { now: () => new Date(0), monotonic: () => now };
  const alive = new Set<string>(['a', 'b', 'c']);
  const target = (name: string): Target => ({
    name,
    deliver: async () => {
      if (!alive.has(name)) throw new NotSentError('dead');
      return { isSent: true, answers: [], failure: null };
    },
  });
  const targets = ['a', 'b', 'c'].map(target);
  const list = new ServerList(targets, clock);
  const order = () => list.inOrder().map(({ name }) => name);
  const { signal } = new AbortController();
  const ask = (at: number, by = signal) =>
    list
      .deliver(targets[at] as Target, mail(), by)
      .catch((error: unknown) => assert.ok(error instanceof NotSentError));

  test('is the first one, and for a minute the next when it cannot be reached', async () => {
    assert.deepEqual(order(), ['a', 'b', 'c']);
    alive.delete('a');
    await ask(0);
    assert.deepEqual(order(), ['b', 'c', 'a']);
    now += 59_999;
    assert.deepEqual(order(), ['b', 'c', 'a']);
    now += 1;
    assert.deepEqual(order(), ['a', 'b', 'c']);
  });

  test('is the first one again as soon as it has answered', async () => {
    await ask(0);
    alive.add('a');
    await ask(0);
    assert.deepEqual(order(), ['a', 'b', 'c']);
  });

  test('is the first one when all are dead', async () => {
    alive.clear();
    for (const at of [0, 1, 2]) await ask(at);
    assert.deepEqual(order(), ['a', 'b', 'c']);
    now += 60_000;
  });

  test('is the first one still when the client has given up', async () => {
    await ask(0, AbortSignal.abort());
    assert.deepEqual(order(), ['a', 'b', 'c']);
  });
});
