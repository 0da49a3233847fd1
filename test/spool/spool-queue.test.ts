// A spool at work: what becomes of each recipient, and when.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deny, ok, type QueueTarget } from 'qpsmtpd';
import {
  type Delivered,
  newDisk,
  QUICK,
  SPOOL,
  SpoolWorld,
  type WorldSettings,
} from '../support/spool-world.ts';
import { StillTime } from '../support/still-time.ts';

async function begin(world: WorldSettings = {}): Promise<SpoolWorld> {
  const made = new SpoolWorld(newDisk(), world);
  made.queue.runner.start();
  await made.settle();
  return made;
}

const to = (delivered: readonly Delivered[]) => delivered.map(({ recipient }) => recipient);
/** Seconds since the beginning. */
const times = (delivered: readonly Delivered[], since: number) =>
  delivered.map(({ recipient, time }) => [recipient, Math.round((time - since) / 1000)]);

describe('a message', () => {
  it('is delivered at once, and nothing is kept', async () => {
    const world = await begin();
    const id = await world.take({ recipients: ['<a@example.org>'] });
    await world.settle();
    const [first] = world.hop.delivered;
    assert.deepEqual(to(world.hop.delivered), ['<a@example.org>']);
    assert.deepEqual(
      [first?.sender, first?.text, first?.remoteIp],
      ['<sender@example.net>', 'Subject: test\r\n\r\nHello\r\n', '192.0.2.7'],
    );
    assert.ok(world.isEmpty);
    assert.deepEqual(world.names('tmp'), []);
    assert.ok(world.log.includes(`info pass, ${id} to <a@example.org>: 2.0.0 fine`), world.log.join('\n'));
    assert.equal(world.disk.openCount, 0);
  });

  for (const text of [
    '',
    'no header at all',
    'Subject: x\n\nbare\n',
    `Subject: big\r\n\r\n${'0123456789'.repeat(60_000)}`,
  ]) {
    for (const isSpooled of [false, true]) {
      it(`of ${text.length} octets${isSpooled ? ' in pieces' : ''} arrives as it came`, async () => {
        const world = await begin({ target: keeping(kept) });
        await world.take({ recipients: ['<a@example.org>'], text, isSpooled });
        await world.settle();
        assert.equal(kept.pop(), text);
      });
    }
  }
  const kept: string[] = [];

  it('keeps what is known of its envelope', async () => {
    const params = new Map<string, string | true>([
      ['RET', 'HDRS'],
      ['SMTPUTF8', true],
    ]);
    const rcptParams = new Map([['NOTIFY', 'NEVER']]);
    const world = await begin();
    await world.take({
      sender: '<"two words"@example.net>',
      recipients: ['<grüße@example.org>'],
      params,
      rcptParams,
    });
    await world.settle();
    const [got] = world.hop.delivered;
    assert.deepEqual(got?.params, params);
    assert.deepEqual(got?.rcptParams, rcptParams);
    assert.deepEqual([got?.sender, got?.recipient], ['<"two words"@example.net>', '<grüße@example.org>']);
  });

  it('goes once to a recipient that was named twice', async () => {
    const world = await begin();
    await world.take({ recipients: ['<a@example.org>', '<a@EXAMPLE.org>', '<A@example.org>'] });
    await world.settle();
    assert.deepEqual(to(world.hop.delivered), ['<a@example.org>', '<A@example.org>']);
  });
});

function keeping(kept: string[]): QueueTarget {
  return {
    ...{ id: 'queue/keep', carries: [] },
    async queue(_connection, { content, body, header }) {
      const pieces: Buffer[] = [];
      for await (const piece of content.chunks('as-received')) pieces.push(piece);
      const inMemory = content.inMemory('as-received');
      if (inMemory !== null) assert.deepEqual(Buffer.concat([...inMemory]), Buffer.concat(pieces));
      const lines: string[] = [];
      for await (const line of body.lines()) lines.push(line);
      assert.equal(body.size + header.size <= content.size, true);
      kept.push(Buffer.concat(pieces).toString('latin1'));
      return ok();
    },
  };
}

describe('recipients', () => {
  it('have a fate each: taken, refused for now, refused for good', async () => {
    const world = await begin();
    const begun = world.time.time;
    await world.take({ recipients: ['<a@example.org>', '<later-2-b@example.org>', '<never-c@example.org>'] });
    await world.until(() => world.isEmpty);
    assert.deepEqual(times(world.hop.delivered, begun), [
      ['<a@example.org>', 0],
      ['<sender@example.net>', 0],
      // After 2 seconds, and after 4 more.
      ['<later-2-b@example.org>', 6],
    ]);
    assert.match(world.hop.delivered[1]?.text ?? '', /^Final-Recipient: rfc822; never-c@example\.org\r$/m);
    const log = world.log.join('\n');
    assert.match(
      log,
      /^info skip, until 2023-11-14T22:13:22\.000Z, \S+ to <later-2-b@example\.org>: 4\.2\.1 mailbox is busy$/m,
    );
    assert.match(log, /^notice fail, \S+ to <never-c@example\.org>: 5\.1\.1 no such user$/m);
  });

  it('wait together when the next hop is down, and get the message once when it is back', async () => {
    const world = await begin();
    const begun = world.time.time;
    await world.take({ recipients: ['<down-3@example.org>', '<b@example.org>'] });
    await world.until(() => world.isEmpty);
    assert.deepEqual(times(world.hop.delivered, begun), [
      ['<down-3@example.org>', 14],
      ['<b@example.org>', 14],
    ]);
  });

  it('are tried with pauses up to the longest, and a last time when their time is over', async () => {
    const world = await begin();
    const tries: number[] = [];
    const begun = world.time.time;
    const { hop } = world;
    await world.take({ recipients: ['<later-99@example.org>'] });
    for (let known = 0; hop.delivered.length === 0; ) {
      await world.until(() => hop.tries > known);
      known = hop.tries;
      tries.push(Math.round((world.time.time - begun) / 1000));
    }
    // The report is the last one.
    assert.deepEqual(tries, [0, 2, 6, 14, 20]);
    await world.until(() => world.isEmpty);
    assert.match(
      hop.delivered[0]?.text ?? '',
      /^Status: 5\.4\.7\r\nDiagnostic-Code: smtp; 550 5\.4\.7 not delivered in time: mailbox is busy\r$/m,
    );
  });

  for (const [what, verdict, result] of [
    ['DECLINED', { code: 'DECLINED', text: [] }, 'skip, until'],
    ['DONE without a reply', { code: 'DONE', text: [] }, 'skip, until'],
    ['DONE with 250', { code: 'DONE', text: [], reply: { code: 250, lines: ['mine'] } }, 'pass'],
    ['DONE with 554', { code: 'DONE', text: [], reply: { code: 554, lines: ['no'] } }, 'fail'],
    ['DENY_DISCONNECT', { ...deny('no'), code: 'DENY_DISCONNECT' }, 'fail'],
  ] as const) {
    it(`of a plugin that answers ${what}: ${result}`, async () => {
      const target: QueueTarget = { id: 'queue/odd', carries: [], queue: async () => verdict };
      const world = await begin({ target });
      const id = await world.take({ recipients: ['<a@example.org>'], sender: '<>' });
      await world.settle();
      assert.ok(
        world.log.some((line) => line.includes(` ${result}`) && line.includes(id)),
        world.log.join('\n'),
      );
    });
  }
});

describe('a plugin that does not come to an end', () => {
  it('is told to, and then no longer waited for', async () => {
    let aborted = false;
    const target: QueueTarget = {
      ...{ id: 'queue/hangs', carries: [] },
      queue: (_connection, _transaction, signal) => {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        return new Promise(() => {});
      },
    };
    const plan = { ...QUICK.plan, lifetimeMs: 600_000 };
    const world = await begin({ target, settings: { plan } });
    await world.take({ recipients: ['<a@example.org>'] });
    await world.until(() => aborted);
    await world.until(() => world.log.some((line) => line.includes('the delivery did not end in time')));
    await world.settle();
    assert.equal(world.disk.openCount, 0);
    assert.equal(world.names('queue').length, 1);
  });
});

describe('a message without sender', () => {
  for (const doubleBounce of ['drop', 'hold'] as const) {
    it(`that cannot be delivered is reported to nobody: ${doubleBounce}`, async () => {
      const world = await begin({ settings: { doubleBounce } });
      const id = await world.take({ sender: '<>', recipients: ['<never-a@example.org>'] });
      await world.settle();
      assert.deepEqual(world.hop.delivered, []);
      assert.deepEqual(world.names('hold'), doubleBounce === 'hold' ? [id] : []);
      assert.deepEqual(world.names('queue'), []);
      assert.match(world.log.join('\n'), /^warn fail, \S+ cannot be delivered, and has no sender/m);
    });
  }
});

describe('the schedule', () => {
  it('survives a restart', async () => {
    const world = await begin();
    await world.take({ recipients: ['<later-2@example.org>'] });
    await world.settle();
    await world.queue.runner.stop(1000);
    const time = new StillTime(world.time.time);
    const again = new SpoolWorld(
      newDisk(() => 0, world.disk.state.copy()),
      { time, pid: 2 },
    );
    again.queue.runner.start();
    await again.until(() => again.hop.tries > 0);
    // Not at once, although nobody knows this process's predecessor any more.
    assert.ok(time.time >= world.time.time + 2000);
    await again.until(() => again.isEmpty);
    assert.deepEqual(to(again.hop.delivered), ['<later-2@example.org>']);
  });

  it('has so many under way at a time, and no more', async () => {
    let now = 0;
    let most = 0;
    const ends: (() => void)[] = [];
    const target: QueueTarget = {
      ...{ id: 'queue/slow', carries: [] },
      async queue() {
        most = Math.max(most, ++now);
        await new Promise<void>((resolve) => ends.push(resolve));
        now--;
        return ok();
      },
    };
    const world = await begin({ target, settings: { concurrency: 3 } });
    await Promise.all(Array.from({ length: 10 }, () => world.take({ recipients: ['<a@example.org>'] })));
    while (!world.isEmpty) {
      await world.settle();
      for (const end of ends.splice(0)) end();
    }
    assert.equal(most, 3);
  });
});

describe('two processes', () => {
  it('do not deliver from one spool: the second waits until the first has stopped', async () => {
    const first = await begin();
    const second = new SpoolWorld(first.disk, { time: first.time, pid: 1 });
    second.queue.runner.start();
    await second.settle();
    await second.until(() => first.time.time > 1_700_000_000_000 + 60_000);
    assert.deepEqual([first.queue.runner.isRunning, second.queue.runner.isRunning], [true, false]);
    const id = await second.take({ recipients: ['<a@example.org>'] });
    // The first one is left word.
    await first.until(() => first.hop.delivered.length > 0, 2000);
    await first.settle();
    assert.deepEqual(to(first.hop.delivered), ['<a@example.org>']);
    assert.ok(first.log.some((line) => line.includes(id)));
    await first.queue.runner.stop(1000);
    await second.until(() => second.queue.runner.isRunning);
    await second.take({ recipients: ['<b@example.org>'] });
    await second.settle();
    assert.deepEqual(to(second.hop.delivered), ['<b@example.org>']);
  });

  it('of which one is gone: the other takes over at once where that is known, else after 30 seconds', async () => {
    for (const [realm, seconds] of [
      ['here', 1],
      ['elsewhere', 31],
    ] as const) {
      const first = await begin();
      const lock = JSON.parse(first.disk.readFile(`${SPOOL}/lock`).toString());
      const second = new SpoolWorld(
        newDisk(() => 0, first.disk.state.copy()),
        { pid: 2, time: new StillTime(first.time.time), realm },
      );
      assert.equal(lock.pid, 1);
      second.queue.runner.start();
      await second.until(() => second.queue.runner.isRunning);
      assert.ok(second.time.time <= first.time.time + seconds * 1000 + 1000, realm);
      assert.ok(second.time.time >= first.time.time + (seconds - 1) * 1000, realm);
    }
  });

  it('of which one was asleep: it stops when it sees that another has taken over', async () => {
    const world = await begin();
    world.disk.remove(`${SPOOL}/lock`);
    const other = new SpoolWorld(world.disk, { time: world.time, pid: 2 });
    other.queue.runner.start();
    await other.settle();
    await world.until(() => !world.queue.runner.isRunning, 10_000);
    assert.ok(other.queue.runner.isRunning);
    assert.ok(world.log.includes(`error error, another process has taken over ${SPOOL}`));
  });
});

describe('the end', () => {
  it('waits for what is under way, and begins nothing new', async () => {
    const ends: (() => void)[] = [];
    const target: QueueTarget = {
      ...{ id: 'queue/slow', carries: [] },
      queue: () => new Promise((resolve) => ends.push(() => resolve(ok()))),
    };
    const world = await begin({ target });
    await world.take({ recipients: ['<a@example.org>'] });
    await world.take({ recipients: ['<b@example.org>'] });
    await world.settle();
    let isOver = false;
    const stopped = world.queue.runner.stop(10_000).then(() => {
      isOver = true;
    });
    await world.settle();
    assert.deepEqual([isOver, ends.length], [false, 1]);
    ends[0]?.();
    await stopped;
    await world.settle();
    assert.equal(ends.length, 1);
    assert.equal(world.names('queue').length, 1);
    assert.ok(!world.disk.list(SPOOL).includes('lock'));
  });

  it('does not wait for ever', async () => {
    const target: QueueTarget = { id: 'queue/hangs', carries: [], queue: () => new Promise(() => {}) };
    const world = await begin({ target });
    await world.take({ recipients: ['<a@example.org>'] });
    await world.settle();
    let isOver = false;
    void world.queue.runner.stop(10_000).then(() => {
      isOver = true;
    });
    await world.until(() => isOver, 26_000);
    assert.equal(world.names('queue').length, 1);
  });
});

describe('a file that is no message', () => {
  it('is put aside, and said', async () => {
    const world = await begin();
    await world.queue.runner.stop(0);
    const fd = world.disk.open(`${SPOOL}/queue/0abc-0-1`, { create: true });
    world.disk.write(fd, [Buffer.from('nonsense')]);
    world.disk.close(fd);
    const again = new SpoolWorld(world.disk, { time: world.time });
    again.queue.runner.start();
    await again.until(() => again.names('corrupt').length === 1);
    assert.deepEqual(again.names('queue'), []);
    assert.ok(again.log.includes('error error, 0abc-0-1: the file does not begin as a message does'));
  });
});
