// What a server that takes the place of another knows of its clients: failed logins, who has half a message, how many
// there are. From one process to the next, and while clients stay with the old one.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { BoundSocket } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { cleanUp } from '../support/cleanup.ts';
import { handOver } from '../support/hand-over.ts';
import { FAILED, guesses, LeavingClients, LOCKED_OUT, plainLogin } from '../support/login-clients.ts';
import { childrenOf, eventually, isRunning } from '../support/processes.ts';
import { plainEnv, programCommand } from '../support/program.ts';
import { makeServerDir, startServer, type TestServer } from '../support/server-process.ts';
import type { SmtpDialog } from '../support/smtp-dialog.ts';

const files = {
  ...guesses,
  'plugins/refuses.ts': `
    import { definePlugin, denySoft } from 'qpsmtpd';
    export default definePlugin({ name: 'refuses', summary: 'takes no message', setup: () => ({ queue: () => denySoft('not now') }) });
  `,
};

const config = {
  plugins: ['guesses', 'rcpt_ok', 'queue/maildir @DIR@/one', 'refuses'],
  rcpthosts: ['one.example', 'two.example'],
  queue_routes: ['one.example queue/maildir', 'two.example refuses'],
  loglevel: 'info',
  auth_lockout_failures: '3',
  auth_lockout_time: '600',
  auth_failure_delay: '0',
};

const visitors = new LeavingClients();

const TOO_MANY = /^421 .*too many connections from your address/;

async function guess(client: SmtpDialog, times: number): Promise<void> {
  for (let at = 0; at < times; at++) await client.command(plainLogin('wrong'), FAILED);
}

/** Whether a new client is. */
async function isLockedOut(server: { readonly port: number }): Promise<boolean> {
  const client = await visitors.greeted(server);
  const reply = await client.command(plainLogin('right'), /^(?:235|421) /);
  client.close();
  return LOCKED_OUT.test(reply);
}

async function sendInHalf(client: SmtpDialog): Promise<void> {
  await client.openData('s@client.example', 'a@one.example', 'b@two.example');
  await client.command('Message-ID: <1@client.example>\r\nSubject: x\r\n\r\nbody\r\n.', /^4/);
}

for (const model of ['serve', 'forkserver'] as const) {
  const start = (...more: readonly string[]): Promise<TestServer> => {
    visitors.closeAtEnd();
    const args = [
      ...(model === 'forkserver' && !more.includes('--workers') ? ['--workers', '2'] : []),
      ...more,
    ];
    return startServer({ model, config, files, args });
  };

  describe(`what is known after SIGUSR2: ${model}`, () => {
    test('who is locked out, also by the next but one', async () => {
      const server = await start();
      const client = await visitors.greeted(server);
      await guess(client, 3);
      client.close();
      await server.waitForLog(/fail, too many failed logins: 127\.0\.0\.1 is locked out/);
      let pid = server.pid;
      for (let at = 0; at < 2; at++) {
        const old = pid;
        pid = await handOver(server, pid);
        // Nobody but the new one can answer then.
        await eventually('the end of the old one', () => !isRunning(old), 60_000);
        assert.equal(await isLockedOut(server), true);
      }
    });

    test('failed logins before it, at the old process behind it, and at the new one: together they lock out', async () => {
      const server = await start();
      const old = await visitors.greeted(server);
      const others = await Promise.all(Array.from({ length: 60 }, () => visitors.greeted(server)));
      await guess(old, 1);
      await handOver(server, server.pid);
      await guess(old, 1);
      await guess(await visitors.greeted(server), 1);
      await eventually('a lock-out', () => isLockedOut(server));
      // Where a client is that goes on with the old one does not help it, once that one has heard. Each can ask once.
      await eventually('a lock-out at the old one', async () => {
        const reply = await others.pop()?.command(plainLogin('right'), /^(?:235|421) /);
        assert.ok(reply !== undefined, 'it has not heard');
        // They are to last for as long as a busy machine may take: 60 wait for 18 seconds in all.
        await pause(10 * (60 - others.length));
        return LOCKED_OUT.test(reply);
      });
    });

    test('who has a message although its client heard a refusal, before it and at the old process', async () => {
      // One worker: what is known to any is known to all.
      const server = await start(...(model === 'forkserver' ? ['--workers', '1'] : []));
      const old = await visitors.greeted(server);
      const mail = () => readdirSync(join(server.dir, 'one', 'new')).length;
      const known = () => server.stderr().match(/has this message since it came before/g)?.length ?? 0;
      await sendInHalf(old);
      assert.deepEqual([mail(), known()], [1, 0]);
      const next = await handOver(server, server.pid);
      await sendInHalf(await visitors.greeted(server));
      await eventually('known to the new one', () => known() === 1);
      await handOver(server, next);
      await old.openData('s@client.example', 'c@one.example', 'd@two.example');
      await old.command('Message-ID: <2@client.example>\r\n\r\nbody\r\n.', /^4/);
      assert.deepEqual([mail(), known()], [2, 1]);
      // What is told of this client comes after what was told of its message.
      await guess(old, 3);
      await eventually('a lock-out', () => isLockedOut(server));
      const again = await visitors.greeted(server);
      await again.openData('s@client.example', 'c@one.example', 'd@two.example');
      await again.command('Message-ID: <2@client.example>\r\n\r\nbody\r\n.', /^4/);
      await eventually('known to the next one', () => known() === 2);
      assert.equal(mail(), 2);
    });

    test('what the first process learns, by way of a second one whose clients have left', async () => {
      const server = await start();
      const [one, other] = [await visitors.greeted(server), await visitors.greeted(server)];
      const second = await handOver(server, server.pid);
      await handOver(server, second);
      await eventually('the end of its workers', () => childrenOf(second).length <= 1);
      // A session ends with its third failure.
      await guess(one, 1);
      await guess(other, 2);
      await eventually('a lock-out', () => isLockedOut(server));
      assert.ok(isRunning(server.pid));
      for (const client of [one, other]) client.close();
      await eventually('the end of both', () => ![server.pid, second].some(isRunning));
    });

    test('clients that are still with the old process, until they leave', async () => {
      const server = await start('--max-from-ip', '2');
      const old = [await visitors.greeted(server), await visitors.greeted(server)];
      await handOver(server, server.pid);
      const isRefused = async () => {
        const client = await visitors.connect(server);
        const reply = await client.expect(/^(?:220|421) /);
        client.close();
        return TOO_MANY.test(reply);
      };
      await eventually('a refusal', isRefused);
      await old[0]?.command('QUIT', 221);
      await eventually('a free place', async () => !(await isRefused()));
      assert.ok(isRunning(server.pid));
    });
  });
}

interface Successor {
  readonly port: number;
  readonly child: ChildProcess;
  readonly messages: readonly unknown[];
  stderr(): string;
}

/** Starts the program as a server of another version would that hands its sockets over: the test is that server. */
async function succeed(what: Readonly<Record<string, unknown>>): Promise<Successor> {
  visitors.closeAtEnd();
  const dir = makeServerDir({ config, files });
  const socket = new BoundSocket({ host: '127.0.0.1', port: 0 });
  const { port } = socket.address();
  const { command, args } = programCommand();
  // Where there is an account for the server, root would become that: it may not read the folder of a test.
  const asMyself = process.getuid?.() === 0 ? ['--user', 'root'] : [];
  const child = spawn(command, [...args, 'serve', ...asMyself, '--config', join(dir, 'config')], {
    env: { ...plainEnv(dir), QPSMTPD_SUCCESSOR: '1' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc', socket.fd()],
  });
  cleanUp(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    socket.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const messages: unknown[] = [];
  child.on('message', (message) => void messages.push(message));
  let words = '';
  child.stderr?.setEncoding('latin1').on('data', (text: string) => {
    words += text;
  });
  const address = { host: '127.0.0.1', port };
  child.send({ kind: 'legacy', pid: process.pid, sockets: [{ fd: 4, address, isOurs: true }], ...what });
  await eventually('a word of it', () => messages.length > 0 || child.exitCode !== null, 60_000);
  assert.deepEqual(messages, [{ kind: 'serving' }], words);
  return { port, child, messages, stderr: () => words };
}

describe('a server whose predecessor is of another version', () => {
  const tickets = { seed: 'ab'.repeat(32), age: 0 };
  const lost = /SIGUSR2: what the old process remembers does not all come over \((.*)\): failed logins/;

  test('that gives no memory: serves, and says no more than that', async () => {
    const { child, messages, stderr, port } = await succeed({ tickets });
    await eventually('the end of the line', () => !child.connected);
    await guess(await visitors.greeted({ port }), 3);
    assert.equal(await isLockedOut({ port }), true);
    assert.equal(messages.length, 1);
    assert.doesNotMatch(stderr(), /SIGUSR2/);
  });

  for (const [what, memory, why] of [
    ['of a later form', { version: 2, logins: {} }, 'it remembers in a form that this version does not know'],
    ['that is none', 'x'.repeat(1000), 'it remembers in a form that this version does not know'],
    [
      'of which half is none',
      { version: 1, loginKey: 'ab'.repeat(32), logins: 'x', delivered: [7] },
      '2 of its entries are not understood',
    ],
  ] as const) {
    test(`that gives a memory ${what}: serves, and says what is lost`, async () => {
      const { stderr, port } = await succeed({ tickets: what, memory });
      await eventually('a word about it', () => lost.test(stderr()));
      assert.equal(lost.exec(stderr())?.[1], why);
      assert.equal(await isLockedOut({ port }), false);
    });
  }

  test('that remembers as much as there can be: serves at once all the same', async () => {
    const login = { failures: 3, age: 0, lockedFor: 600_000, forMs: 600_000 };
    const logins = Array.from({ length: 20_000 }, (_, at) => ({ ...login, origin: `${2130706433 + at}` }));
    const delivered = Array.from({ length: 10_000 }, (_, at) => {
      return { keys: [`${at}\n${'k'.repeat(500)}`], digest: 'd'.repeat(44), age: 0 };
    });
    const { stderr, port } = await succeed({
      tickets,
      memory: { version: 1, loginKey: 'ab'.repeat(32), logins, delivered },
    });
    assert.equal(await isLockedOut({ port }), true);
    assert.doesNotMatch(stderr(), /SIGUSR2/);
  });
});
