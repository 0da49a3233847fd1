// What a spool does when the file system fails: a message is taken whole or not at all, and as long as the process lives
// nobody gets it twice, whatever cannot be noted.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GivenUp, WriteError } from 'qpsmtpd';
import { CrashDisk, type DiskCall } from '../support/crash-disk.ts';
import { type Message, QUICK, SpoolWorld, type WorldSettings } from '../support/spool-world.ts';
import { BEGIN } from '../support/still-time.ts';

const CODES = ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EMFILE'];
const PLAN = { ...QUICK.plan, lifetimeMs: 3_600_000 };

/** A spool whose disk fails when `fail` says so, with calls counted from when it was armed. */
async function begin(
  fail: (number: number, call: DiskCall) => string | null,
  world: WorldSettings & { readonly isStarted?: boolean } = {},
) {
  let count: number | null = null;
  const disk = new CrashDisk({
    random: () => 0,
    now: () => BEGIN,
    fail: (call) => (count === null ? null : fail(++count, call)),
  });
  const made = new SpoolWorld(disk, { settings: { plan: PLAN }, ...world });
  if (world.isStarted !== false) made.queue.runner.start();
  await made.settle();
  return {
    world: made,
    arm: () => {
      count = 0;
    },
    disarm: () => {
      const calls = count ?? 0;
      count = null;
      return calls;
    },
  };
}

const messages: Readonly<Record<string, Message>> = {
  small: { recipients: ['<a@example.org>'] },
  'big, in pieces': { recipients: ['<a@example.org>'], text: 'x'.repeat(200_000), isSpooled: true },
};

describe('a call that fails while a message is taken', () => {
  for (const [name, message] of Object.entries(messages)) {
    for (const code of CODES) {
      it(`${name}, ${code}: it is not taken, nothing is left, and the next one goes through`, async () => {
        const { world, arm, disarm } = await begin(() => null, { isStarted: false });
        arm();
        await world.take(message);
        const calls = disarm();
        assert.ok(calls >= 7, `${calls} calls`);
        for (let at = 1; at <= calls; at++) await failAt(at, code, message);
      });
    }
  }

  async function failAt(at: number, code: string, message: Message): Promise<void> {
    let failed = '';
    const { world, arm, disarm } = await begin(
      (number, { name, path }) => {
        if (number !== at) return null;
        failed = `${name} ${path}`;
        return code;
      },
      { isStarted: false },
    );
    arm();
    const where = () => `call ${at}, ${failed}, ${code}`;
    await assert.rejects(world.take(message), (error) => {
      assert.ok(error instanceof WriteError, `${where()}: ${error}`);
      assert.equal(error.isFull, code === 'ENOSPC' || code === 'EDQUOT', where());
      return true;
    });
    disarm();
    for (const folder of ['tmp', 'queue']) assert.deepEqual(world.names(folder), [], where());
    // Folders are synced side by side.
    await world.settle();
    assert.equal(world.disk.openCount, 0, where());
    await world.take(message);
    world.queue.runner.start();
    await world.until(() => world.hop.delivered.length > 0);
    await world.settle();
    assert.equal(world.hop.delivered.length, 1, where());
  }
});

describe('a client that is gone', () => {
  it('before the message is in the queue: it is not taken', async () => {
    const { world } = await begin(() => null);
    const signal = AbortSignal.abort();
    await assert.rejects(world.take({ recipients: ['<a@example.org>'], signal }), GivenUp);
    assert.deepEqual([world.names('tmp'), world.names('queue')], [[], []]);
    await world.settle();
    assert.deepEqual(world.hop.delivered, []);
  });

  it('while it is written: it is not taken either', async () => {
    const controller = new AbortController();
    const { world, arm } = await begin((_number, { name }) => {
      if (name === 'sync') controller.abort();
      return null;
    });
    arm();
    const { signal } = controller;
    await assert.rejects(world.take({ recipients: ['<a@example.org>'], signal }), GivenUp);
    assert.deepEqual([world.names('tmp'), world.names('queue')], [[], []]);
  });
});

describe('a call that fails while a message is delivered', () => {
  const message: Message = {
    recipients: ['<a@example.org>', '<later-1-b@example.org>', '<never-c@example.org>'],
  };
  const outcome = ['<a@example.org>', '<later-1-b@example.org>', '<sender@example.net>'];

  for (const code of CODES) {
    it(`once, ${code}: everybody gets it once all the same`, async () => {
      const { world, arm, disarm } = await begin(() => null);
      await run(world, arm, message);
      const calls = disarm();
      assert.ok(calls > 30, `${calls} calls`);
      for (let at = 1; at <= calls; at++) {
        const { world, arm, disarm } = await begin((number) => (number === at ? code : null));
        await run(world, arm, message);
        disarm();
        const got = world.hop.delivered.map(({ recipient }) => recipient).sort();
        assert.deepEqual(got, outcome, `call ${at}\n${world.log.join('\n')}`);
        assert.deepEqual(world.names('tmp'), [], `call ${at}`);
        assert.equal(world.disk.openCount, 0, `call ${at}`);
      }
    });
  }

  for (const broken of ['write', 'sync', 'remove', 'rename', 'create', 'openEntry', 'read', 'list']) {
    it(`for an hour, each ${broken}: everybody gets it once all the same`, async () => {
      let isBroken = true;
      const { world, arm, disarm } = await begin((_number, { name }) =>
        isBroken && name.startsWith(broken) ? 'EIO' : null,
      );
      await world.take(message);
      arm();
      await world.until(() => world.time.time > BEGIN + 1_800_000, 2_000_000);
      isBroken = false;
      await world.until(() => world.isEmpty, 2_000_000);
      disarm();
      const got = world.hop.delivered.map(({ recipient }) => recipient).sort();
      assert.deepEqual(got, outcome, world.log.join('\n'));
      assert.equal(world.disk.openCount, 0);
    });
  }

  /** Arms when the message is taken. */
  async function run(world: SpoolWorld, arm: () => void, message: Message): Promise<void> {
    await world.take(message);
    arm();
    await world.until(() => world.isEmpty, 2_000_000);
  }
});
