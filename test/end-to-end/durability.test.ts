// A message that got its 250 is there, whole, whatever happens to the server: kill -9 at any instant, a full disk, a
// Maildir that cannot be written.
//   QPSMTPD_KILLS=200   kills at so many instants in place of 40
//   QPSMTPD_SEED=N      other instants

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { cleanUp } from '../support/cleanup.ts';
import { type Load, numberedMessage, numberOf, seededRandom, startLoad } from '../support/mail-load.ts';
import { makeFolder } from '../support/maildir-queue.ts';
import { startServer, type TestServer } from '../support/server-process.ts';
import { connect } from '../support/smtp-dialog.ts';

const KILLS = Number(process.env['QPSMTPD_KILLS'] ?? 40);
const SEED = Number(process.env['QPSMTPD_SEED'] ?? 20_261_122);
const SESSIONS = 20;
const LATEST_KILL_MS = 250;

/** Stands before the queue until the client has left. */
const SLOW_PLUGIN = `
  import { declined, definePlugin } from 'qpsmtpd';

  export default definePlugin({
    name: 'queue/slow',
    summary: 'waits until the client has left',
    setup: () => ({
      async queue(at) {
        at.log.warn('begun');
        await new Promise((leave) => {
          if (at.transaction.header.get('X-Number') === '1000') setTimeout(leave, 200);
          if (at.signal.aborted) leave();
          at.signal.addEventListener('abort', leave);
        });
        at.log.warn(at.signal.aborted ? 'the client has left' : 'the client is there');
        return declined;
      },
    }),
  });
`;

function start(queue: string): Promise<TestServer> {
  const plugins = ['rcpt_ok', `queue/maildir ${queue}`];
  // Small enough that some of the messages are spooled.
  return startServer({ config: { plugins, rcpthosts: 'example.org', size_threshold: '16384' } });
}

describe('kill -9', () => {
  const shapes = [
    { name: 'one Maildir', words: 'one', recipients: ['user@example.org'], maildirs: ['one'] },
    {
      name: 'a copy each',
      words: 'each %l',
      recipients: ['a@example.org', 'b@example.org'],
      maildirs: ['each/a', 'each/b'],
    },
  ] as const;

  it(`at ${KILLS} instants loses nothing that was taken (seed ${SEED})`, async (t) => {
    const random = seededRandom(SEED);
    const base = makeFolder();
    const total = { taken: 0, extra: 0, unfinished: 0 };
    for (let round = 0; round < KILLS; round++) {
      const shape = shapes[round % 2 === 0 ? 0 : 1];
      const delay = Math.round(random() * LATEST_KILL_MS);
      await t.test(`${round}: ${shape.name}, after ${delay} ms`, async () => {
        const server = await start(join(base, shape.words));
        const load = startLoad(server.port, SESSIONS, shape.recipients);
        await wait(delay);
        await server.kill();
        await load.over;
        for (const maildir of shape.maildirs) {
          const folder = join(base, maildir);
          total.extra += checkRound(load, takeAll(join(folder, 'new')));
          total.unfinished += takeAll(join(folder, 'tmp')).length;
        }
        total.taken += load.taken.size;
      });
    }
    const { taken, extra, unfinished } = total;
    t.diagnostic(
      `${taken} messages taken, none lost; ${extra} more were there, ${unfinished} files left in tmp`,
    );
    assert.ok(taken > KILLS, 'there was load');
  });

  /** Gives how many were there without having been answered. */
  function checkRound({ sent, taken }: Load, files: readonly string[]): number {
    const found = files.map(numberOf);
    const whole = new Set(found.filter((number) => number !== null));
    assert.equal(whole.size, files.length, 'every file is a whole message, and none is there twice');
    const lost = [...taken].filter((number) => !whole.has(number));
    assert.deepEqual(lost, [], 'messages that were taken are there');
    const extra = [...whole].filter((number) => !taken.has(number));
    assert.ok(extra.every((number) => sent.has(number)));
    assert.ok(extra.length <= SESSIONS, 'each session has at most one message without an answer');
    return extra.length;
  }

  /** Texts of all files, which are removed. */
  function takeAll(folder: string): string[] {
    return namesIn(folder).map((name) => {
      const text = readFileSync(join(folder, name), 'latin1');
      rmSync(join(folder, name));
      return text;
    });
  }
});

describe('a client that leaves behind its message', () => {
  const ways = { closes: 'close', resets: 'reset', 'closes its side': 'halfClose' } as const;

  for (const [how, way] of Object.entries(ways)) {
    it(`and ${how} while it is queued finds nothing queued when it comes again`, async () => {
      const maildir = join(makeFolder(), 'Maildir');
      const server = await startServer({
        config: {
          plugins: ['rcpt_ok', 'queue/slow', `queue/maildir ${maildir}`],
          rcpthosts: 'example.org',
          loglevel: 'notice',
        },
        files: { 'plugins/queue/slow.ts': SLOW_PLUGIN },
      });
      for (let number = 0; number < 4; number++) {
        const client = await connect(server.port);
        await client.greet();
        await client.openData('sender@example.net', 'user@example.org');
        client.send(`${numberedMessage(number)}.\r\n`);
        await server.waitForLog(new RegExp(`(?:slow: begun[^]*){${number + 1}}`));
        client[way]();
        await server.waitForLog(new RegExp(`(?:maildir: fail, given up[^]*){${number + 1}}`));
        assert.deepEqual(namesIn(join(maildir, 'tmp')), []);
      }
      assert.deepEqual(namesIn(join(maildir, 'new')), []);
      server.signal('SIGTERM');
    });
  }

  it('and closes its side behind QUIT has its message taken: it waits for the answers', async () => {
    const maildir = join(makeFolder(), 'Maildir');
    const server = await startServer({
      config: { plugins: ['rcpt_ok', 'queue/slow', `queue/maildir ${maildir}`], rcpthosts: 'example.org' },
      files: { 'plugins/queue/slow.ts': SLOW_PLUGIN },
    });
    const client = await connect(server.port);
    await client.greet();
    await client.openData('sender@example.net', 'user@example.org');
    client.send(`${numberedMessage(1000)}.\r\nQUIT\r\n`);
    client.halfClose();
    await client.expect(250);
    await client.expect(221);
    await server.waitForLog(/slow: the client is there/);
    assert.deepEqual(numbersIn(maildir), [1000]);
  });

  it('is heard of as early as can be: how often the message is there twice once it has come again', async (t) => {
    const random = seededRandom(SEED);
    const maildir = join(makeFolder(), 'Maildir');
    const server = await start(maildir);
    const rounds = 60;
    for (let number = 0; number < rounds; number++) {
      const client = await connect(server.port);
      await client.greet();
      await client.openData('sender@example.net', 'user@example.org');
      client.send(`${numberedMessage(number)}.\r\n`);
      // The first of three leaves at once, the others after the message may have been taken.
      if (number % 3 > 0) await wait(random() * 8);
      client[number % 2 === 0 ? 'close' : 'reset']();
      await sendOne(server.port, number, 250);
    }
    assert.equal(await server.stop(), 0);
    const found = numbersIn(maildir);
    const twice = found.filter((number, at) => found.indexOf(number) < at);
    const atOnce = twice.filter((number) => number !== null && number % 3 === 0);
    t.diagnostic(
      `${atOnce.length} of ${rounds / 3} messages are there twice whose client left at once, ` +
        `${twice.length - atOnce.length} of ${(rounds / 3) * 2} whose client left within 8 ms`,
    );
    assert.equal(new Set(found).size, rounds);
    assert.ok(found.length <= 2 * rounds && !found.includes(null));
  });
});

describe('a disk that is full', () => {
  it('is answered with 452, leaves nothing half done, and is no trouble once there is room', async (t) => {
    const disk = mountSmallDisk(t);
    if (disk === null) return;
    const maildir = join(disk, 'Maildir');
    const server = await start(maildir);
    const sessions = Array.from({ length: 4 }, (_, at) => fillDisk(server.port, at));
    const taken = (await Promise.all(sessions)).flat();
    assert.deepEqual(numbersIn(maildir), taken.sort());
    assert.ok(taken.length > 0 && taken.length < 4 * 8);
    assert.deepEqual(namesIn(join(maildir, 'tmp')), []);
    await server.waitForLog(/queue\/maildir: error, cannot write \S+\/tmp\/\S+: ENOSPC: /);

    for (const name of namesIn(join(maildir, 'new'))) rmSync(join(maildir, 'new', name));
    await sendOne(server.port, 1000, 250);
    assert.deepEqual(numbersIn(maildir), [1000]);
  });

  /** Sends until there is no room; gives the numbers that were taken. The text of a number that is 7 modulo 8 is long. */
  async function fillDisk(port: number, session: number): Promise<number[]> {
    const taken: number[] = [];
    const client = await connect(port);
    await client.greet();
    for (let count = 0; count < 8; count++) {
      const number = 8 * (session * 100 + count) + 7;
      await client.openData('sender@example.net', 'user@example.org');
      const reply = await client.command(`${numberedMessage(number)}.`, /^(?:250|452 4\.3\.1) /);
      if (reply.startsWith('452')) break;
      taken.push(number);
    }
    return taken;
  }
});

describe('a Maildir that cannot be written', () => {
  it('is answered with 4xx, and gets mail again once it can', async () => {
    const maildir = join(makeFolder(), 'Maildir');
    const server = await start(maildir);
    rmSync(join(maildir, 'new'), { recursive: true });
    writeFileSync(join(maildir, 'new'), 'in the way');
    await sendOne(server.port, 1, /^452 4\.3\.0 /);
    assert.deepEqual(namesIn(join(maildir, 'tmp')), []);
    await server.waitForLog(/queue\/maildir: error, cannot write \S+\/new\/\S+: ENOTDIR: /);

    rmSync(join(maildir, 'new'));
    mkdirSync(join(maildir, 'new'));
    await sendOne(server.port, 2, 250);
    assert.deepEqual(numbersIn(maildir), [2]);
  });
});

async function sendOne(port: number, number: number, expected: number | RegExp): Promise<void> {
  const client = await connect(port);
  await client.greet();
  await client.openData('sender@example.net', 'user@example.org');
  await client.command(`${numberedMessage(number)}.`, expected);
  await client.command('QUIT', 221);
}

/** Numbers of the messages in new, sorted as texts; null for one that is not whole. */
function numbersIn(maildir: string): (number | null)[] {
  const folder = join(maildir, 'new');
  return namesIn(folder)
    .map((name) => numberOf(readFileSync(join(folder, name), 'latin1')))
    .sort();
}

/** A server that was killed early has made no folder. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** A disk of 256 kB in memory; null where this user may not mount one. */
function mountSmallDisk(t: TestContext): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-disk-'));
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', folder]);
  if (mount.status !== 0) {
    rmdirSync(folder);
    t.skip('only root can mount a small disk; the unit tests let the file system fail in other ways');
    return null;
  }
  cleanUp(() => {
    spawnSync('umount', ['-l', folder]);
    rmdirSync(folder);
  });
  return folder;
}
