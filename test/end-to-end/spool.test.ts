// queue/spool between real servers: a next hop that dies and returns, restarts and kill -9 in between, a fate for each
// recipient, and `qpsmtpd queue` beside the running server.
//   QPSMTPD_KILLS=50   kills the server so many times in place of 12
//   QPSMTPD_SEED=N     at other instants

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { choosyLine, choosyPlugin } from '../support/choosy-plugin.ts';
import { freePort } from '../support/free-port.ts';
import { numberOf, seededRandom, startLoad } from '../support/mail-load.ts';
import { makeFolder } from '../support/maildir-queue.ts';
import { runProgram } from '../support/program.ts';
import { startServer, type TestServer } from '../support/server-process.ts';
import { greeted } from '../support/smtp-dialog.ts';

const KILLS = Number(process.env['QPSMTPD_KILLS'] ?? 12);
const SEED = Number(process.env['QPSMTPD_SEED'] ?? 20_261_122);
const CONCURRENCY = 4;
const RECIPIENT = '<user@example.org>';

function startFront(spool: string, port: number, words = ''): Promise<TestServer> {
  const line = `queue/spool ${spool} retry 1 retry_max 1 concurrency ${CONCURRENCY} ${words}`;
  return startServer({
    config: {
      plugins: ['rcpt_ok', `${line} via queue/smtp-forward 127.0.0.1:${port}`],
      rcpthosts: 'example.org',
      loglevel: '6',
      me: 'front.example',
    },
  });
}

/** Keeps what it gets in a Maildir; refuses some by their local part. */
function startHop(maildir: string, port: number): Promise<TestServer> {
  return startServer({
    config: {
      plugins: [choosyLine, 'rcpt_ok', `queue/maildir ${maildir}`],
      rcpthosts: ['example.org', 'example.net'],
      me: 'hop.example',
    },
    files: choosyPlugin,
    args: ['--listen', `127.0.0.1:${port}`],
  });
}

async function send(server: TestServer, text: string, ...recipients: readonly string[]): Promise<string> {
  const client = await greeted(server);
  await client.openData('sender@example.net', ...recipients);
  const reply = await client.command(`${text}\r\n.`, /^250 2\.0\.0 queued as /);
  await client.command('QUIT', 221);
  return reply.trim().split(' ').at(-1) ?? '';
}

function delivered(maildir: string): string[] {
  try {
    const folder = join(maildir, 'new');
    return readdirSync(folder).map((name) => readFileSync(join(folder, name), 'latin1'));
  } catch {
    return [];
  }
}

/** Waits until there are so many files, however long the pauses between attempts happen to be. */
async function arrival(isThere: () => boolean, what: () => string): Promise<void> {
  for (let tries = 0; !isThere(); tries++) {
    assert.ok(tries < 600, what());
    await wait(50);
  }
}

const isEmpty = (spool: string) => readdirSync(join(spool, 'queue')).length === 0;

describe('a next hop', () => {
  it('that is away, with a restart of the server in between, gets the message once it is back', async () => {
    const [spool, maildir, port] = [makeFolder(), makeFolder(), await freePort()];
    const first = await startFront(spool, port);
    const id = await send(first, 'Subject: patience\r\n\r\nbody', 'user@example.org', 'other@example.org');
    await first.waitForLog(new RegExp(`skip, until \\S+, ${id} to ${RECIPIENT}`));
    assert.equal(await first.stop(), 0);
    const second = await startFront(spool, port);
    await second.waitForLog(new RegExp(`skip, until \\S+, ${id} to ${RECIPIENT}`));
    const hop = await startHop(maildir, port);
    await second.waitForLog(new RegExp(`pass, ${id} to ${RECIPIENT} <other@example.org>: `));
    assert.equal(delivered(maildir).length, 1);
    assert.match(
      delivered(maildir)[0] ?? '',
      /^Return-Path: <sender@example\.net>\nDelivered-To: user@example\.org\nDelivered-To: other@example\.org\n/,
    );
    await arrival(
      () => isEmpty(spool),
      () => second.stderr(),
    );
    await hop.kill();
  });

  it('gets mail too after the configuration was read anew', async () => {
    const [spool, maildir, port] = [makeFolder(), makeFolder(), await freePort()];
    const hop = await startHop(maildir, port);
    const front = await startFront(spool, port);
    const before = await greeted(front);
    front.signal('SIGHUP');
    await front.waitForLog(/configuration is read anew/);
    await send(front, 'Subject: new\r\n\r\nbody', 'user@example.org');
    // A client of the old configuration leaves word for the new one.
    await before.openData('sender@example.net', 'user@example.org');
    await before.command('Subject: old\r\n\r\nbody\r\n.', 250);
    await arrival(
      () => delivered(maildir).length === 2 && isEmpty(spool),
      () => front.stderr(),
    );
    await hop.kill();
  });

  it('that refuses some: each recipient has its fate, once, and the sender is told', async () => {
    const [spool, maildir, port] = [makeFolder(), makeFolder(), await freePort()];
    const hop = await startHop(maildir, port);
    const front = await startFront(spool, port);
    const id = await send(
      front,
      'Subject: three\r\n\r\nbody',
      'user@example.org',
      'later-rcpt@example.org',
      'never-rcpt@example.org',
    );
    await front.waitForLog(new RegExp(`pass, ${id} to <later-rcpt@example.org>: `));
    await front.waitForLog(new RegExp(`pass, ${id}-f1 to <sender@example.net>: `));
    await arrival(
      () => isEmpty(spool),
      () => front.stderr(),
    );
    const to = delivered(maildir).map((text) =>
      [...text.matchAll(/^Delivered-To: (.*)$/gm)].map(([, one]) => one),
    );
    assert.deepEqual(to.flat().sort(), ['later-rcpt@example.org', 'sender@example.net', 'user@example.org']);
    const report = delivered(maildir).find((text) => text.startsWith('Return-Path: <>\n')) ?? '';
    assert.match(report, /^From: Mail Delivery System <MAILER-DAEMON@front\.example>$/m);
    assert.match(
      report,
      /^Final-Recipient: rfc822; never-rcpt@example\.org\nAction: failed\nStatus: 5\.7\.1\nDiagnostic-Code: smtp; 550 5\.7\.1 never rcpt$/m,
    );
    await hop.kill();
  });
});

describe('kill -9', () => {
  it(`of the server ${KILLS} times under load loses nothing that was taken (seed ${SEED})`, async (t) => {
    const random = seededRandom(SEED);
    const [spool, maildir, port] = [makeFolder(), makeFolder(), await freePort()];
    const hop = await startHop(maildir, port);
    const taken = new Set<number>();
    const sent = new Set<number>();
    const total = { copies: 0 };
    const file = (text: string, known: Map<number, number>) => {
      const number = numberOf(text.replaceAll('\r\n', '\n'));
      assert.ok(number !== null, 'every message is whole');
      known.set(number, (known.get(number) ?? 0) + 1);
    };
    let next = 0;
    for (let round = 0; round < KILLS; round++) {
      const delay = Math.round(100 + random() * 400);
      await t.test(`${round}: after ${delay} ms`, async () => {
        const front = await startFront(spool, port);
        const load = startLoad(front.port, 6, ['user@example.org'], next);
        await wait(delay);
        await front.kill();
        await load.over;
        for (const number of load.taken) taken.add(number);
        for (const number of load.sent) sent.add(number);
        next = Math.max(next, ...load.sent) + 1;
      });
    }
    const last = await startFront(spool, port);
    await arrival(
      () => isEmpty(spool),
      () => `${readdirSync(join(spool, 'queue')).length} are left: ${last.stderr().slice(-2000)}`,
    );
    const known = new Map<number, number>();
    for (const text of delivered(maildir)) file(text, known);
    for (const count of known.values()) total.copies += count - 1;
    assert.deepEqual(
      [...taken].filter((number) => !known.has(number)),
      [],
      'messages that were taken are there',
    );
    assert.ok([...known.keys()].every((number) => sent.has(number)));
    assert.ok(total.copies <= KILLS * CONCURRENCY, `${total.copies} came twice`);
    t.diagnostic(`${taken.size} messages taken, none lost; ${total.copies} came twice in ${KILLS} kills`);
    assert.ok(taken.size > KILLS);
    await hop.kill();
  });
});

describe('qpsmtpd queue', () => {
  it('shows, holds, releases, flushes and deletes what a running server keeps', async () => {
    const [spool, maildir, port] = [makeFolder(), makeFolder(), await freePort()];
    const front = await startFront(spool, port, '');
    const config = join(front.dir, 'config');
    const queue = (...args: readonly string[]) => runProgram(['queue', ...args, '--config', config]);
    const kept = await send(front, 'Subject: kept\r\n\r\nbody', 'user@example.org');
    const held = await send(front, 'Subject: held\r\n\r\nbody', 'user@example.org');
    const gone = await send(front, 'Subject: gone\r\n\r\nbody', 'user@example.org');
    await front.waitForLog(new RegExp(`skip, until \\S+, ${gone}`));
    assert.equal((await queue('hold', held)).code, 0);
    assert.equal((await queue('delete', gone)).code, 0);
    const { stdout } = await queue('list');
    assert.match(stdout, new RegExp(`^${kept} .*<sender@example\\.net> > ${RECIPIENT}: 4\\.4\\.1 `, 'm'));
    assert.match(stdout, new RegExp(`^${held} .* held `, 'm'));
    assert.ok(!stdout.includes(gone));
    const hop = await startHop(maildir, port);
    assert.equal((await queue('flush')).code, 0);
    await front.waitForLog(new RegExp(`pass, ${kept} to ${RECIPIENT}`));
    assert.equal((await queue('release', held)).code, 0);
    await front.waitForLog(new RegExp(`pass, ${held} to ${RECIPIENT}`));
    await arrival(
      () => isEmpty(spool),
      () => front.stderr(),
    );
    assert.deepEqual(
      delivered(maildir)
        .map((text) => /^Subject: (.*)$/m.exec(text)?.[1])
        .sort(),
      ['held', 'kept'],
    );
    assert.equal((await queue('list')).stdout, 'The queue is empty.\n');
    await hop.kill();
  });
});
