import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type DnsAnswer, failed, noData, timedOut } from '../../src/net/dns-answer.ts';
import { SharedQuestion } from '../../src/net/shared-question.ts';

function setUp() {
  const { promise, resolve, reject } = Promise.withResolvers<DnsAnswer<string>>();
  const seen: { signal?: AbortSignal; ended: number } = { ended: 0 };
  const question = new SharedQuestion<string>(
    (signal) => {
      seen.signal = signal;
      return promise;
    },
    () => seen.ended++,
  );
  return { question, seen, resolve, reject };
}

it('gives the answer to all', async () => {
  const { question, seen, resolve } = setUp();
  const all = [question.join(60_000, undefined), question.join(60_000, undefined)];
  resolve(noData);
  assert.deepEqual(await Promise.all(all), [noData, noData]);
  assert.equal(seen.ended, 1);
});

it('goes on while one still waits, and stops with the last', async () => {
  const { question, seen } = setUp();
  const gone = new AbortController();
  const first = question.join(60_000, gone.signal);
  const second = question.join(1, undefined);
  gone.abort();
  assert.deepEqual(await first, failed('aborted'));
  assert.equal(seen.signal?.aborted, false);
  assert.deepEqual(await second, timedOut);
  assert.equal(seen.signal?.aborted, true);
  assert.equal(seen.ended, 1);
});

it('makes a failure of an exception', async () => {
  const { question, reject } = setUp();
  const answer = question.join(60_000, undefined);
  reject(new Error('broken'));
  assert.deepEqual(await answer, failed('Error: broken'));
});
