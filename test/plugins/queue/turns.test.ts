import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from '../../../plugins/queue/_turns.ts';

const patient = new AbortController().signal;

test('no more than so many work at once, and the others follow in the order in which they came', async () => {
  const turns = new Turns(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const work = (number: number) => () => {
    begun.push(number);
    return new Promise<number>((resolve) => {
      ends[number] = () => resolve(number);
    });
  };
  const all = [0, 1, 2, 3].map((number) => turns.take(patient, work(number)));
  assert.deepEqual(begun, [0, 1]);
  ends[1]?.();
  await all[1];
  await new Promise(setImmediate);
  assert.deepEqual(begun, [0, 1, 2]);
  for (const number of [0, 2]) ends[number]?.();
  await Promise.all([all[0], all[2]]);
  await new Promise(setImmediate);
  ends[3]?.();
  assert.deepEqual(await Promise.all(all), [0, 1, 2, 3]);
});

test("who leaves is left out, and takes nobody else's turn", async () => {
  const turns = new Turns(1);
  const leaving = new AbortController();
  let end = () => {};
  const first = turns.take(
    patient,
    () =>
      new Promise<void>((resolve) => {
        end = resolve;
      }),
  );
  const second = turns.take(leaving.signal, async () => assert.fail('it has left'));
  const third = turns.take(patient, async () => 'third');
  leaving.abort();
  assert.equal(await second, null);
  assert.equal(await turns.take(leaving.signal, async () => assert.fail('it has left')), null);
  end();
  await first;
  assert.equal(await third, 'third');
  assert.equal(await turns.take(patient, async () => 'fourth'), 'fourth');
});

test('work that fails passes its turn on', async () => {
  const turns = new Turns(1);
  await assert.rejects(
    turns.take(patient, () => Promise.reject(new Error('no'))),
    { message: 'no' },
  );
  assert.equal(await turns.take(patient, async () => 'next'), 'next');
});
