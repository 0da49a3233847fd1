// What the operator does to messages, with a server that delivers them meanwhile and without one.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ok, type QueueTarget } from 'qpsmtpd';
import { SpoolDesk } from '../../src/spool/spool-desk.ts';
import { spoolFilesOn } from '../support/crash-spool.ts';
import { newDisk, SPOOL, SpoolWorld, type WorldSettings } from '../support/spool-world.ts';

async function begin(world: WorldSettings & { readonly isStarted?: boolean } = {}) {
  const made = new SpoolWorld(newDisk(), world);
  if (world.isStarted !== false) made.queue.runner.start();
  await made.settle();
  return { world: made, desk: new SpoolDesk(SPOOL, made.time.clock, spoolFilesOn(made.disk)) };
}

async function listed(desk: SpoolDesk) {
  const all = [];
  for await (const one of desk.list()) all.push(one);
  return all;
}

const LATER = { recipients: ['<later-1@example.org>'] };

describe('list and show', () => {
  it('tell what is there, the oldest first', async () => {
    const { world, desk } = await begin({
      settings: { plan: { firstMs: 60_000, mostMs: 60_000, lifetimeMs: 600_000 } },
    });
    const first = await world.take({
      recipients: ['<a@example.org>', '<later-1@example.org>', '<never-c@example.org>'],
    });
    await world.settle();
    world.time.time += 1000;
    const second = await world.take({ recipients: ['<later-9-b@example.org>'] });
    await desk.hold(second);
    const all = await listed(desk);
    assert.deepEqual(
      all.map(({ id, shelf }) => [id, shelf]),
      [
        [first, 'queue'],
        [second, 'hold'],
      ],
    );
    const shown = await desk.show(first);
    assert.ok(shown !== null && 'recipients' in shown);
    assert.deepEqual(shown.recipients, [
      { address: '<a@example.org>', result: 'delivered', answer: '2.0.0 fine' },
      { address: '<later-1@example.org>', result: 'deferred', answer: '4.2.1 mailbox is busy' },
      { address: '<never-c@example.org>', result: 'failed', answer: '5.1.1 no such user' },
    ]);
    assert.deepEqual(
      [shown.attempts, shown.sender, shown.size, shown.client, shown.header],
      [1, '<sender@example.net>', 24, '192.0.2.7 (client.example)', 'Subject: test\r\n'],
    );
    assert.equal(shown.next?.getTime(), 1_700_000_060_000);
    assert.equal(await desk.show('0nobody-0-1'), null);
    assert.equal(await desk.show('../lock'), null);
    assert.equal(world.disk.openCount, 0);
  });

  it('name what cannot be read', async () => {
    const { world, desk } = await begin({ isStarted: false });
    await world.take(LATER);
    const [id = ''] = world.names('queue');
    const fd = world.disk.open(`${SPOOL}/queue/${id}`);
    world.disk.truncate(fd, 100);
    world.disk.close(fd);
    assert.deepEqual(await listed(desk), [
      { id, shelf: 'queue', problem: 'the file is shorter than it says' },
    ]);
  });
});

describe('flush', () => {
  for (const what of ['one', 'all'] as const) {
    it(`has ${what} tried within a second or two`, async () => {
      const { world, desk } = await begin();
      const id = await world.take({ recipients: ['<later-1@example.org>'] });
      await world.settle();
      const before = world.time.time;
      assert.equal(await desk.flush(what === 'one' ? id : null), true);
      assert.equal(await desk.flush(what === 'one' ? id : null), true);
      await world.until(() => world.isEmpty);
      assert.ok(world.time.time <= before + 1000);
      assert.equal(world.hop.delivered.length, 1);
      assert.deepEqual(world.names('control'), []);
    });
  }

  it('of all counts for messages too that a new server still has to find', async () => {
    const { world, desk } = await begin();
    await world.take({ recipients: ['<later-1@example.org>'] });
    await world.settle();
    await world.queue.runner.stop(0);
    await desk.flush(null);
    const again = new SpoolWorld(world.disk, { time: world.time });
    again.queue.runner.start();
    await again.settle();
    assert.equal(again.hop.tries, 1);
  });

  it('needs a message that waits', async () => {
    const { world, desk } = await begin();
    assert.equal(await desk.flush('0nobody-0-1'), false);
    assert.deepEqual(world.names('control'), []);
  });
});

describe('hold, release, delete', () => {
  it('keep a message, give it back, and remove it', async () => {
    const { world, desk } = await begin();
    const id = await world.take({ recipients: ['<later-1@example.org>'] });
    await world.settle();
    assert.equal(await desk.hold(id), true);
    assert.equal(await desk.hold(id), false);
    await world.until(() => world.time.time > 1_700_000_000_000 + 10_000);
    assert.deepEqual([world.hop.delivered.length, world.names('hold')], [0, [id]]);
    assert.equal(await desk.release(id), true);
    assert.equal(await desk.release(id), false);
    await world.until(() => world.isEmpty);
    assert.equal(world.hop.delivered.length, 1);

    const other = await world.take({ recipients: ['<later-1-b@example.org>'] });
    await world.settle();
    assert.equal(await desk.delete(other), true);
    assert.equal(await desk.delete(other), false);
    await world.until(() => world.queue.runner.size === 0);
    assert.equal(world.hop.delivered.length, 1);
    assert.deepEqual(await listed(desk), []);
    for (const act of [desk.hold, desk.release, desk.delete]) {
      assert.equal(await act.call(desk, '../queue'), false);
    }
  });

  for (const act of ['hold', 'delete'] as const) {
    it(`${act} while it is being delivered leaves nothing behind`, async () => {
      let end: (() => void) | null = null;
      const target: QueueTarget = {
        ...{ id: 'queue/slow', carries: [] },
        queue: () =>
          new Promise((resolve) => {
            end = () => resolve(ok());
          }),
      };
      const { world, desk } = await begin({ target });
      const id = await world.take({ recipients: ['<a@example.org>'] });
      await world.settle();
      assert.equal(await desk[act](id), true);
      assert.ok(end !== null);
      (end as () => void)();
      await world.settle();
      assert.deepEqual([world.names('queue'), world.names('hold')], [[], []]);
      assert.equal(world.queue.runner.size, 0);
      assert.equal(world.disk.openCount, 0);
    });
  }

  it('release begins anew with a message that nobody could be told of', async () => {
    const { world, desk } = await begin({ settings: { doubleBounce: 'hold' } });
    const id = await world.take({ sender: '<>', recipients: ['<never-a@example.org>'] });
    await world.settle();
    assert.deepEqual(world.names('hold'), [id]);
    const before = world.hop.tries;
    assert.equal(await desk.release(id), true);
    await world.until(() => world.hop.tries > before);
    await world.settle();
    assert.deepEqual(world.names('hold'), [id]);
  });
});
