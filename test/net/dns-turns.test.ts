// Which server is asked when; servers here are functions, so nothing depends on sockets.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { failed, noData } from '../../src/net/dns-answer.ts';
import type { Reading } from '../../src/net/dns-message.ts';
import type { DnsServer } from '../../src/net/dns-server.ts';
import { takeTurns } from '../../src/net/dns-turns.ts';

const one: DnsServer = { address: '192.0.2.1', port: 53 };
const two: DnsServer = { address: '192.0.2.2', port: 53 };
const good: Reading = { answer: noData, keep: 1 };
const bad = (reason: string): Reading => ({ answer: failed(reason), keep: 0 });
const never = new AbortController().signal;

function recording(ask: (server: DnsServer, signal: AbortSignal, turn: number) => Promise<Reading>) {
  const asked: string[] = [];
  return {
    asked,
    ask: (server: DnsServer, signal: AbortSignal) => {
      asked.push(server.address);
      return ask(server, signal, asked.length);
    },
  };
}

it('a slow server may still answer after the next one was asked', async () => {
  let answerLate = (_: Reading) => {};
  const { asked, ask } = recording((server) => {
    if (server === one) {
      return new Promise((resolve) => {
        answerLate = resolve;
      });
    }
    answerLate(good);
    return new Promise(() => {});
  });
  const reading = await takeTurns({ servers: [one, two], attempts: 1, patienceMs: 5, ask }, never);
  assert.equal(reading, good);
  assert.deepEqual(asked, ['192.0.2.1', '192.0.2.2']);
});

it('the answer ends what is still being asked', async () => {
  const signals: AbortSignal[] = [];
  const { ask } = recording((server, signal) => {
    signals.push(signal);
    return server === one ? new Promise(() => {}) : Promise.resolve(good);
  });
  await takeTurns({ servers: [one, two], attempts: 1, patienceMs: 1, ask }, never);
  assert.deepEqual(
    signals.map(({ aborted }) => aborted),
    [true, true],
  );
});

it('a server that failed is not asked in the next round; one that was silent is', async () => {
  const { asked, ask } = recording((server, _signal, turn) => {
    if (server === one) return Promise.resolve(bad('SERVFAIL'));
    return turn < 3 ? new Promise(() => {}) : Promise.resolve(good);
  });
  const reading = await takeTurns({ servers: [one, two], attempts: 2, patienceMs: 1, ask }, never);
  assert.equal(reading, good);
  assert.deepEqual(asked, ['192.0.2.1', '192.0.2.2', '192.0.2.2']);
});

it('when all have failed, the last reason counts', async () => {
  const { ask } = recording((server) => Promise.resolve(bad(server.address)));
  const reading = await takeTurns({ servers: [one, two], attempts: 2, patienceMs: 60_000, ask }, never);
  assert.deepEqual(reading, bad('192.0.2.2'));
});

it('an aborted signal ends it at once, before or while asking', async () => {
  const { asked, ask } = recording(() => new Promise(() => {}));
  const turns = { servers: [one], attempts: 2, patienceMs: 60_000, ask };
  assert.deepEqual(await takeTurns(turns, AbortSignal.abort()), bad('aborted'));
  assert.deepEqual(asked, []);
  const stop = new AbortController();
  const reading = takeTurns(turns, stop.signal);
  stop.abort();
  assert.deepEqual(await reading, bad('aborted'));
});
