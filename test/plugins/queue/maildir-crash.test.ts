// What is left of queue/maildir after kill -9 and after the loss of power, at every call to the file system, with
// several deliveries under way: whatever was answered with OK is there, whole, and a client that sends again what was
// not answered makes at most one copy too many.
//   QPSMTPD_CRASH_RUNS=200   so many runs in place of 24
//   QPSMTPD_SEED=N           other runs

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LineEnds, MessageContent } from 'qpsmtpd';
import type { MaildirFiles } from '../../../plugins/queue/_maildir-files.ts';
import { CrashDisk, type DiskCall, filesOn } from '../../support/crash-disk.ts';
import { maildirFilesOn } from '../../support/crash-maildir.ts';
import type { DiskState } from '../../support/disk-state.ts';
import { seededRandom } from '../../support/mail-load.ts';
import { makeQueue, type TestQueue } from '../../support/maildir-queue.ts';

const RUNS = Number(process.env['QPSMTPD_CRASH_RUNS'] ?? 24);
const SEED = Number(process.env['QPSMTPD_SEED'] ?? 20_261_122);
const SESSIONS = 4;
const MESSAGES = 2;
const BASE = '/var/mail';

interface Shape {
  readonly name: string;
  readonly subdir?: string;
  readonly mode?: number;
  readonly recipients: (session: number) => readonly string[];
}

const shapes: readonly Shape[] = [
  { name: 'one Maildir', recipients: () => ['one@example.org'] },
  {
    name: 'a copy for each of three',
    subdir: '%d/%l',
    mode: 0o770,
    recipients: () => ['a@example.org', 'b@example.org', 'a@example.net'],
  },
  {
    name: 'a Maildir for each session, below common folders',
    subdir: '%d/mail/%l',
    recipients: (session) => [`user${session}@example.org`],
  },
];

/** A message and one of its recipients: `3 a@example.org`. */
type Delivery = string;

interface Moment {
  readonly state: DiskState;
  readonly acknowledged: ReadonlySet<Delivery>;
  readonly call: DiskCall;
}

/** All that there is to a message is its number: a copy that is not whole is found out. */
function text(number: number): Buffer {
  const size = number % 4 === 3 ? 70_000 : 200;
  return Buffer.from(`Number: ${number}\n\n${`${number} `.repeat(size / 2)}end of ${number}\n`);
}

/** Every third message is spooled: it comes in pieces. */
function contentOf(number: number): MessageContent {
  const whole = text(number);
  const half = whole.length >> 1;
  return {
    size: whole.length,
    inMemory: (_lineEnds: LineEnds) => (number % 3 === 2 ? null : [whole]),
    async *chunks() {
      yield whole.subarray(0, half);
      yield whole.subarray(half);
    },
  };
}

/** Deliveries that the files in `new` stand for. Fails when one is not whole. */
function deliveredOn(state: DiskState, shape: Shape): Delivery[] {
  const found: Delivery[] = [];
  for (const [path, content] of filesOn(state)) {
    if (!path.includes('/new/')) continue;
    const file = content.toString('latin1');
    const to = [...file.matchAll(/^Delivered-To: (.+)$/gm)].map(([, recipient]) => recipient ?? '');
    const number = Number(/^Number: (\d+)$/m.exec(file)?.[1]);
    const head = `Return-Path: <sender@example.net>\n${to.map((one) => `Delivered-To: ${one}\n`).join('')}`;
    assert.equal(file, head + text(number).toString('latin1'), `${path} is whole (${shape.name})`);
    found.push(...to.map((recipient) => `${number} ${recipient}`));
  }
  return found;
}

function queueOn(
  disk: CrashDisk,
  { subdir, mode }: Shape,
  pid: number,
  change: Partial<MaildirFiles> = {},
): TestQueue {
  return makeQueue({
    dir: BASE,
    files: { ...maildirFilesOn(disk), ...change },
    pid,
    ...(subdir && { subdir }),
    ...(mode && { mode }),
  });
}

async function send(queue: TestQueue, number: number, recipients: readonly string[]): Promise<string> {
  const mail = { recipients: recipients.map((one) => `<${one}>`), content: contentOf(number) };
  return (await queue.deliver(mail)).code;
}

interface Sabotage {
  readonly fail?: (call: DiskCall) => string | null;
  /** operations in place of those of the disk */
  readonly change?: (disk: CrashDisk) => Partial<MaildirFiles>;
}

/** Lets the sessions send their messages, one after the other; gives what there was at each step. */
async function play(shape: Shape, random: () => number, { fail, change }: Sabotage = {}): Promise<Moment[]> {
  const moments: Moment[] = [];
  const acknowledged = new Set<Delivery>();
  const note = (call: DiskCall) => {
    moments.push({ state: disk.state.copy(), acknowledged: new Set(acknowledged), call });
  };
  const disk = new CrashDisk({ random, onStep: note, ...(fail && { fail }) });
  const queue = queueOn(disk, shape, 1, change?.(disk));
  if (shape.subdir === undefined) await queue.start();
  const session = async (at: number) => {
    for (let count = 0; count < MESSAGES; count++) {
      const number = at * MESSAGES + count;
      const recipients = shape.recipients(at);
      if ((await send(queue, number, recipients)) !== 'OK') continue;
      for (const recipient of recipients) acknowledged.add(`${number} ${recipient}`);
      note({ name: 'reply', path: `message ${number}` });
    }
  };
  await Promise.all(Array.from({ length: SESSIONS }, (_, at) => session(at)));
  assert.equal(disk.openCount, 0);
  return moments;
}

/** What may be there after a crash: the process is gone, or the power. */
function* aftermaths({ state }: Moment, random: () => number): Iterable<readonly [how: string, DiskState]> {
  yield ['kill -9', state.copy()];
  yield ['power loss, nothing survives', state.afterPowerLoss(() => false, random)];
  yield ['power loss, all entries survive', state.afterPowerLoss(() => true, random)];
  for (const share of [0.25, 0.5, 0.75]) {
    yield [`power loss, ${share} survives`, state.afterPowerLoss(() => random() < share, random)];
  }
}

function checkAftermath(shape: Shape, { acknowledged }: Moment, state: DiskState, where: string): void {
  const found = deliveredOn(state, shape);
  const known = new Set(found);
  assert.equal(known.size, found.length, `nothing is there twice, ${where}`);
  const lost = [...acknowledged].filter((delivery) => !known.has(delivery));
  assert.deepEqual(lost, [], `what was acknowledged is there, ${where}`);
  const extra = new Set(found.filter((one) => !acknowledged.has(one)).map((one) => one.split(' ')[0]));
  assert.ok(extra.size <= SESSIONS, `each session has one message without an answer at most, ${where}`);
}

/** The server starts again, and the clients send again what has no answer. Then the power goes. */
async function recover(shape: Shape, moment: Moment, state: DiskState, random: () => number, where: string) {
  const before = deliveredOn(state, shape);
  const disk = new CrashDisk({ random, state });
  const queue = queueOn(disk, shape, 2);
  if (shape.subdir === undefined) await queue.start();
  const all = Array.from({ length: SESSIONS * MESSAGES }, (_, number) => number);
  const deliveriesOf = (number: number) =>
    shape.recipients(Math.floor(number / MESSAGES)).map((recipient) => `${number} ${recipient}`);
  const unanswered = all.filter(
    (number) => !deliveriesOf(number).every((one) => moment.acknowledged.has(one)),
  );
  const codes = await Promise.all(
    unanswered.map((number) => send(queue, number, shape.recipients(Math.floor(number / MESSAGES)))),
  );
  assert.ok(
    codes.every((code) => code === 'OK'),
    where,
  );
  const after = deliveredOn(
    disk.state.afterPowerLoss(() => false, random),
    shape,
  );
  const times = (delivery: Delivery) => after.filter((other) => other === delivery).length;
  for (const delivery of all.flatMap(deliveriesOf)) {
    const isExtra = before.includes(delivery) && !moment.acknowledged.has(delivery);
    assert.ok(times(delivery) >= 1, `${delivery} is lost, ${where}`);
    assert.ok(
      times(delivery) <= (isExtra ? 2 : 1),
      `${delivery} is there ${times(delivery)} times, ${where}`,
    );
  }
}

describe('a crash at every call to the file system', () => {
  const total = { points: 0, aftermaths: 0, extra: 0 };

  for (const shape of shapes) {
    it(`${shape.name}: nothing that was answered is lost (${RUNS} runs, seed ${SEED})`, async () => {
      for (let run = 0; run < RUNS; run++) {
        const random = seededRandom(SEED + run);
        const moments = await play(shape, random);
        for (const [at, moment] of moments.entries()) {
          total.points++;
          for (const [how, state] of aftermaths(moment, random)) {
            total.aftermaths++;
            checkAftermath(shape, moment, state, `run ${run}, step ${at} (${moment.call.name}), ${how}`);
          }
        }
      }
    });

    it(`${shape.name}: what is sent again comes twice at most, and is safe (seed ${SEED})`, async () => {
      const random = seededRandom(SEED);
      for (const [at, moment] of (await play(shape, random)).entries()) {
        for (const [how, state] of aftermaths(moment, random)) {
          await recover(shape, moment, state, random, `step ${at} (${moment.call.name}), ${how}`);
        }
      }
    });

    it(`${shape.name}: nor when calls fail before the crash (seed ${SEED})`, async () => {
      for (let run = 0; run < RUNS; run++) {
        const random = seededRandom(SEED + 1000 + run);
        const codes = ['ENOSPC', 'EIO', 'EDQUOT', 'EROFS', 'EMFILE'] as const;
        const fail = ({ name }: DiskCall) =>
          // What cannot be removed stays, and counts as a copy too many.
          name !== 'remove' && random() < 0.04 ? (codes[Math.floor(random() * codes.length)] ?? null) : null;
        for (const [at, moment] of (await play(shape, random, { fail })).entries()) {
          total.points++;
          for (const [how, state] of aftermaths(moment, random)) {
            const found = new Set(deliveredOn(state, shape));
            const lost = [...moment.acknowledged].filter((one) => !found.has(one));
            assert.deepEqual(lost, [], `run ${run}, step ${at} (${moment.call.name}), ${how}`);
          }
        }
      }
    });
  }

  // The checks above are worth something only if they fail where something is left out.
  const sabotages: Readonly<Record<string, NonNullable<Sabotage['change']>>> = {
    'files are not synced': (disk) => ({
      sync: async (fd) => (disk.pathOf(fd).includes('/tmp/') ? undefined : disk.sync(fd)),
    }),
    'the folder of new messages is not synced': (disk) => ({
      sync: async (fd) => (disk.pathOf(fd).endsWith('/new') ? undefined : disk.sync(fd)),
    }),
    'Maildirs are not synced': (disk) => ({
      sync: async (fd) => (/\/(?:tmp|new)\b/.test(disk.pathOf(fd)) ? disk.sync(fd) : undefined),
    }),
    'files are made where they can be seen': (disk) => ({
      create: (path) => disk.open(path.replace('/tmp/', '/new/'), { create: true, exclusive: true }),
      link: () => {},
      remove: () => {},
    }),
  };
  for (const [what, change] of Object.entries(sabotages)) {
    it(`is found out when ${what}`, async () => {
      const [shape] = shapes;
      assert.ok(shape);
      const random = seededRandom(SEED);
      const moments = await play(shape, random, { change });
      assert.throws(() => {
        for (const moment of moments) {
          for (const [how, state] of aftermaths(moment, random)) checkAftermath(shape, moment, state, how);
        }
      }, /is whole|what was acknowledged is there/);
    });
  }

  it('was tried at a thousand points and more', (t) => {
    t.diagnostic(`${total.points} points, ${total.aftermaths} states of the disk`);
    assert.ok(RUNS < 24 || total.points >= 1000);
  });
});
