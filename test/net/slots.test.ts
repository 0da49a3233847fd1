import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Slots } from '../../src/net/slots.ts';

it('runs so many at a time, the rest in order, also after a failure', async () => {
  const slots = new Slots(2);
  const begun: number[] = [];
  const works = [0, 1, 2, 3].map(() => Promise.withResolvers<number>());
  const all = works.map(({ promise }, index) =>
    slots.use(() => {
      begun.push(index);
      return promise;
    }),
  );
  assert.deepEqual(begun, [0, 1]);
  works[1]?.reject(new Error('broken'));
  await assert.rejects(all[1] ?? Promise.resolve(), /broken/);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(begun, [0, 1, 2]);
  works[0]?.resolve(7);
  assert.equal(await all[0], 7);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(begun, [0, 1, 2, 3]);
  works[2]?.resolve(8);
  works[3]?.resolve(9);
  assert.deepEqual(await Promise.all([all[2], all[3]]), [8, 9]);
  assert.equal(await slots.use(async () => 'free again'), 'free again');
});
