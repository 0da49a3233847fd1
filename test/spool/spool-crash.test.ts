// What becomes of the messages of a spool after kill -9 and after the loss of power, at every step of the disk and at
// every delivery and reply between them: whatever was answered with 250 is delivered to each of its recipients, or its
// sender is told; what had not got into the queue is gone; and only who was just being delivered to gets a second copy.
//   QPSMTPD_CRASH_RUNS=20   so many runs in place of 3
//   QPSMTPD_SEED=N          other runs

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CrashDisk, filesOn } from '../support/crash-disk.ts';
import type { DiskState } from '../support/disk-state.ts';
import { seededRandom } from '../support/mail-load.ts';
import { type Delivered, type Message, newDisk, SPOOL, SpoolWorld } from '../support/spool-world.ts';
import { StillTime } from '../support/still-time.ts';

const RUNS = Number(process.env['QPSMTPD_CRASH_RUNS'] ?? 3);
const SEED = Number(process.env['QPSMTPD_SEED'] ?? 20_261_122);
const SESSIONS = 3;
// Longer than it takes to replace a lock of which nothing is known.
const PLAN = { firstMs: 20_000, mostMs: 60_000, lifetimeMs: 120_000 };

const mail: readonly Omit<Message, 'text'>[] = [
  { recipients: ['<one@example.org>'] },
  { recipients: ['<two@example.org>', '<later-1-two@example.org>', '<never-two@example.org>'] },
  { recipients: ['<big@example.org>'], isSpooled: true },
  { recipients: ['<never-told@example.org>'], sender: '<>' },
  { recipients: ['<late@example.org>', '<later-99-late@example.org>'] },
  { recipients: ['<down-1@example.org>', '<with-down@example.org>'] },
];

function textOf(number: number): string {
  const size = mail[number]?.isSpooled === true ? 70_000 : 100;
  return `Number: ${number}\r\n\r\n${`${number} `.repeat(size / 2)}end of ${number}\r\n`;
}

/** Who has to hear of the message in the end: recipients, or the sender by a report that names one of them. */
function wanted(number: number): string[] {
  return (mail[number]?.recipients ?? []).flatMap((recipient) => {
    if (!/<(?:never|later-99)/.test(recipient)) return [`${number} ${recipient}`];
    return mail[number]?.sender === '<>' ? [] : [`${number} report on ${recipient}`];
  });
}

/** What deliveries stand for, in the words of `wanted`. Fails when one is not whole. */
function told(delivered: readonly Delivered[]): string[] {
  return delivered.flatMap(({ recipient, sender, text }) => {
    const number = Number(/^Number: (\d+)/m.exec(text)?.[1]);
    if (recipient !== '<sender@example.net>') {
      assert.equal(text, textOf(number), `${recipient} gets the whole message ${number}`);
      return [`${number} ${recipient}`];
    }
    assert.equal(sender, '<>');
    assert.match(text, /--=_\w+--\r\n$/);
    const about = [...text.matchAll(/^Final-Recipient: rfc822; (.+)\r$/gm)].map(([, one]) => `<${one}>`);
    assert.ok(about.length > 0);
    return about.map((one) => `${number} report on ${one}`);
  });
}

interface Moment {
  readonly state: DiskState;
  readonly acknowledged: ReadonlySet<number>;
  readonly delivered: readonly Delivered[];
  readonly time: number;
  readonly what: string;
}

async function play(random: () => number, concurrency: number): Promise<Moment[]> {
  const moments: Moment[] = [];
  const acknowledged = new Set<number>();
  const time = new StillTime();
  const note = (what: string) => {
    const delivered = [...world.hop.delivered];
    const state = disk.state.copy();
    moments.push({ state, acknowledged: new Set(acknowledged), delivered, time: time.time, what });
  };
  const disk = new CrashDisk({
    random,
    now: () => time.time,
    onStep: ({ name, path }) => note(`${name} ${path}`),
  });
  const world: SpoolWorld = new SpoolWorld(disk, {
    time,
    onDelivery: () => note('delivery'),
    settings: { concurrency, plan: PLAN },
  });
  world.queue.runner.start();
  const numbers = [...mail.keys()];
  const session = async () => {
    for (let number = numbers.shift(); number !== undefined; number = numbers.shift()) {
      const { recipients, ...rest } = mail[number] as Message;
      await world.take({ ...rest, recipients, text: textOf(number) });
      acknowledged.add(number);
      note(`reply to ${number}`);
    }
  };
  await Promise.all(Array.from({ length: SESSIONS }, session));
  await world.until(() => world.isEmpty);
  assert.deepEqual(told(world.hop.delivered).sort(), [...mail.keys()].flatMap(wanted).sort());
  assert.equal(disk.openCount, 0);
  return moments;
}

/** What may be there after a crash: the process is gone, or the power. */
function* aftermaths({ state }: Moment, random: () => number): Iterable<readonly [how: string, DiskState]> {
  yield ['kill -9', state.copy()];
  yield ['power loss, nothing survives', state.afterPowerLoss(() => false, random)];
  yield ['power loss, half survives', state.afterPowerLoss(() => random() < 0.5, random)];
}

/** Numbers of the messages whose file is in the queue, whole or not. */
function queued(state: DiskState): Set<number> {
  const files = [...filesOn(state)].filter(([path]) => path.startsWith(`${SPOOL}/queue/`));
  return new Set(files.map(([, text]) => Number(/^Number: (\d+)/m.exec(text.toString('latin1'))?.[1])));
}

async function recover(
  moment: Moment,
  [how, state]: readonly [how: string, state: DiskState],
  concurrency: number,
  where: string,
): Promise<number> {
  const before = queued(moment.state);
  const disk = newDisk(() => 0, state);
  const world = new SpoolWorld(disk, {
    time: new StillTime(moment.time),
    pid: 2,
    settings: { concurrency, plan: PLAN },
  });
  world.queue.runner.start();
  await world.until(() => world.queue.runner.isRunning && world.isEmpty);
  // A little longer: young messages and leftovers have their time.
  await world.until(() => world.isEmpty && world.time.time > moment.time + 15_000);
  // Nothing is known of a process that was killed before it had the lock: what it has left goes by its age.
  if (world.names('tmp').length > 0) {
    const lock = filesOn(moment.state).get(`${SPOOL}/lock`)?.toString() ?? '';
    assert.ok(!lock.endsWith('}') || how !== 'kill -9', where);
    world.time.time += 700_000;
    await world.until(() => world.names('tmp').length === 0);
  }
  assert.deepEqual(world.names('corrupt'), [], where);
  assert.equal(disk.openCount, 0, where);

  const all = [...told(moment.delivered), ...told(world.hop.delivered)];
  const known = new Set(all);
  const lost = [...moment.acknowledged].flatMap(wanted).filter((one) => !known.has(one));
  assert.deepEqual(lost, [], `what was acknowledged arrives, ${where}\n${world.log.join('\n')}`);
  const numberOf = (one: string) => Number.parseInt(one, 10);
  const strange = [...known].map(numberOf).filter((one) => !moment.acknowledged.has(one) && !before.has(one));
  assert.deepEqual(
    strange.filter((one) => !told(moment.delivered).some((told) => numberOf(told) === one)),
    [],
    `what was not in the queue is not delivered, ${where}`,
  );
  const twice = all.filter((one, at) => all.indexOf(one) !== at);
  assert.ok(new Set(twice.map(numberOf)).size <= concurrency, `${twice} came twice, ${where}`);
  assert.equal(new Set(twice).size, twice.length, `${twice} came three times, ${where}`);
  return twice.length > 0 ? 1 : 0;
}

describe('a crash', () => {
  it(`at any step of ${RUNS} runs loses nothing that was taken (seed ${SEED})`, async (t) => {
    const random = seededRandom(SEED);
    const total = { points: 0, twice: 0 };
    for (let run = 0; run < RUNS; run++) {
      const concurrency = run % 3 === 2 ? 3 : 1;
      const moments = await play(random, concurrency);
      for (const [at, moment] of moments.entries()) {
        for (const [how, state] of aftermaths(moment, random)) {
          const where = `run ${run}, ${how} at step ${at} of ${moments.length}: ${moment.what}`;
          total.points++;
          total.twice += await recover(moment, [how, state], concurrency, where);
        }
      }
    }
    t.diagnostic(`${total.points} kill points; after ${total.twice} of them one message came twice`);
    assert.ok(total.points >= 1000);
  });
});
