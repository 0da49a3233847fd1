// What the workers of a forkserver know of each other: failed logins, how many clients there are, who has a message. Also under a burst,
// after a worker has died, and over a reload.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { FAILED, guesses, LeavingClients, LOCKED_OUT, plainLogin } from '../support/login-clients.ts';
import { whoServes, withOnly, workerOf, workersOf } from '../support/one-worker.ts';
import { childrenOf, eventually } from '../support/processes.ts';
import { startServer, type TestServer } from '../support/server-process.ts';
import type { SmtpDialog } from '../support/smtp-dialog.ts';

const visitors = new LeavingClients();

function start(workers: number, more: Readonly<Record<string, string>> = {}, args: readonly string[] = []) {
  visitors.closeAtEnd();
  return startServer({
    model: 'forkserver',
    config: {
      plugins: ['whoami', 'guesses', 'rcpt_ok'],
      loglevel: 'notice',
      auth_lockout_failures: '4',
      auth_lockout_time: '600',
      auth_failure_delay: '1',
      ...more,
    },
    files: { ...whoServes, ...guesses },
    args: ['--workers', String(workers), '-H', ...args],
  });
}

/** A client of each worker. */
async function clientOfEach(server: TestServer, workers: readonly number[]): Promise<SmtpDialog[]> {
  const clients: SmtpDialog[] = [];
  for (const pid of workers) {
    const client = await withOnly(server, pid, async () => {
      const one = await visitors.greeted(server);
      assert.equal(await workerOf(one), pid);
      return one;
    });
    clients.push(client);
  }
  return clients;
}

async function reload(server: TestServer): Promise<void> {
  const before = server.stderr().length;
  server.signal('SIGHUP');
  await eventually('a reload', () => /configuration is read anew/.test(server.stderr().slice(before)));
}

/** Whether a new client is locked out. */
async function isLockedOut(server: TestServer): Promise<boolean> {
  const client = await visitors.greeted(server);
  const reply = await client.command(plainLogin('right'), /^(?:235|421) /);
  return LOCKED_OUT.test(reply);
}

describe('failed logins', () => {
  test('at several workers lock out at all, before the client hears of the last one', async () => {
    // All know within the time that the client has to wait for the reply, also on a busy machine.
    const server = await start(4, { auth_failure_delay: '4' });
    const workers = await workersOf(server, 4);
    const clients = await clientOfEach(server, workers);
    // All at once: each worker sees one of its own, and hears of three.
    await Promise.all(clients.map((client) => client.command(plainLogin('wrong'), FAILED)));
    for (const client of clients) await client.command(plainLogin('right'), LOCKED_OUT);
    await server.waitForLog(/fail, too many failed logins: 127\.0\.0\.1 is locked out/);
  });

  test('below the limit lock nobody out', async () => {
    const server = await start(2);
    const clients = await clientOfEach(server, await workersOf(server, 2));
    await Promise.all(clients.map((client) => client.command(plainLogin('wrong'), FAILED)));
    await clients[0]?.command(plainLogin('wrong'), FAILED);
    for (const client of clients) await client.command(plainLogin('right'), 235);
  });

  test('are known to a worker in place of one that was killed, and after a reload', async () => {
    const server = await start(2);
    const workers = await workersOf(server, 2);
    const [victim = 0, survivor = 0] = workers;
    // All of them at the one that will be killed.
    await withOnly(server, victim, async () => {
      const four = await Promise.all(Array.from({ length: 4 }, () => visitors.greeted(server)));
      await Promise.all(four.map((client) => client.command(plainLogin('wrong'), FAILED)));
    });
    const other = await withOnly(server, survivor, () => visitors.greeted(server));
    process.kill(victim, 'SIGKILL');
    await server.waitForLog(/error, worker \d+ has died \(SIGKILL\)/);
    const [, replacement = 0] = (await workersOf(server, 2)).sort(
      (a, b) => Number(workers.includes(b)) - Number(workers.includes(a)),
    );
    assert.ok(!workers.includes(replacement));
    assert.equal(await withOnly(server, replacement, () => isLockedOut(server)), true);
    await reload(server);
    assert.equal(await isLockedOut(server), true);
    // Those who fail now and then are counted over a reload, too.
    await other.command(plainLogin('right'), LOCKED_OUT);
  });

  test('are counted on over a reload', async () => {
    const server = await start(2, { auth_failure_delay: '0' });
    const before = await visitors.greeted(server);
    for (let at = 0; at < 2; at++) await before.command(plainLogin('wrong'), FAILED);
    await before.command('QUIT', 221);
    await reload(server);
    const after = await visitors.greeted(server);
    for (let at = 0; at < 2; at++) await after.command(plainLogin('wrong'), FAILED);
    await after.command(plainLogin('right'), LOCKED_OUT);
  });
});

const refuses = {
  'plugins/refuses.ts': `
    import { definePlugin, denySoft } from 'qpsmtpd';
    export default definePlugin({ name: 'refuses', summary: 'takes no message', setup: () => ({ queue: () => denySoft('not now') }) });
  `,
};

describe('a message that one recipient got although its client heard a refusal', () => {
  test('is not delivered there again by another worker, nor after a reload', async () => {
    visitors.closeAtEnd();
    const server = await startServer({
      model: 'forkserver',
      config: {
        plugins: ['whoami', 'rcpt_ok', 'queue/maildir @DIR@/one', 'refuses'],
        rcpthosts: ['one.example', 'two.example'],
        queue_routes: ['one.example queue/maildir', 'two.example refuses'],
        loglevel: 'info',
      },
      files: { ...whoServes, ...refuses },
      args: ['--workers', '2', '-H'],
    });
    const send = async () => {
      const client = await visitors.greeted(server);
      await client.openData('s@client.example', 'a@one.example', 'b@two.example');
      await client.command('Message-ID: <1@client.example>\r\nSubject: x\r\n\r\nbody\r\n.', /^4/);
      await client.command('QUIT', 221);
    };
    const known = () => server.stderr().match(/has this message since it came before/g)?.length ?? 0;
    const [one = 0, other = 0] = await workersOf(server, 2);
    await withOnly(server, one, send);
    assert.equal(known(), 0);
    await withOnly(server, other, send);
    await eventually('known to the other', () => known() === 1);
    await reload(server);
    await send();
    await eventually('known to a new one', () => known() === 2);
    assert.equal(readdirSync(join(server.dir, 'one', 'new')).length, 1);
  });
});

interface Burst {
  readonly accepted: readonly SmtpDialog[];
  readonly refused: number;
}

async function burst(server: TestServer, clients: number): Promise<Burst> {
  const all = await Promise.all(
    Array.from({ length: clients }, async () => {
      const client = await visitors.connect(server);
      return { client, reply: await client.expect(/^(?:220|421) /) };
    }),
  );
  const accepted = all.filter(({ reply }) => reply.startsWith('220')).map(({ client }) => client);
  return { accepted, refused: all.length - accepted.length };
}

describe('limits under a burst', () => {
  const workers = 3;
  for (const [what, flag, limit, words] of [
    ['from one address', '-m', 4, /too many connections from your address/],
    ['in all', '-c', 5, /too many connections, try/],
  ] as const) {
    test(`${what}: no worker takes more than the limit, and nobody takes any behind it`, async () => {
      const server = await start(workers, {}, [flag, String(limit)]);
      await workersOf(server, workers);
      const { accepted } = await burst(server, 60);
      assert.ok(accepted.length >= limit, `${accepted.length} accepted`);
      assert.ok(accepted.length <= limit * workers, `${accepted.length} accepted`);
      await isTurnedAway(server, words);
      // Places come free for as many as were too many, and one more.
      for (const client of accepted.slice(0, accepted.length - limit + 1)) await client.command('QUIT', 221);
      const next = await comesIn(server);
      await isTurnedAway(server, words);
      next.close();
    });
  }

  test('clients of a worker that is killed free their places', async () => {
    const server = await start(2, {}, ['-m', '2']);
    const [victim = 0] = await workersOf(server, 2);
    await withOnly(server, victim, async () => {
      for (let at = 0; at < 2; at++) await visitors.greeted(server);
    });
    await isTurnedAway(server, /too many connections from your address/);
    process.kill(victim, 'SIGKILL');
    await comesIn(server);
  });

  test('clients of workers that a reload has put in rest count until they leave', async () => {
    const server = await start(2, {}, ['-m', '2']);
    await workersOf(server, 2);
    const old = [await visitors.greeted(server), await visitors.greeted(server)];
    await reload(server);
    await isTurnedAway(server, /too many connections from your address/);
    await old[0]?.command('QUIT', 221);
    await comesIn(server);
    assert.ok(childrenOf(server.pid).length >= 3);
  });
});

/** Clients ask until one is turned away: a worker may not have heard yet of those who came to the others. */
function isTurnedAway(server: TestServer, words: RegExp): Promise<void> {
  return eventually('a refusal', async () => {
    const client = await visitors.connect(server);
    const reply = await client.expect(/^(?:220|421) /);
    client.close();
    return words.test(reply);
  });
}

/** A client that asks until it is let in: what workers say to each other takes its time. */
async function comesIn(server: TestServer): Promise<SmtpDialog> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const client = await visitors.connect(server);
    const reply = await client.expect(/^(?:220|421) /);
    if (reply.startsWith('220')) return client;
    assert.ok(Date.now() < deadline, 'the place was not freed');
  }
}
