// BDAT (RFC 3030) over real sockets: big chunks go to the spool as they come, and a chunk that is cut off by either side
// leaves nothing behind.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { recordedMessages, recordLine, recordPlugin } from '../support/recording-queue.ts';
import { startServer, type TestServer } from '../support/server-process.ts';
import { greeted } from '../support/smtp-dialog.ts';

const MEGABYTE = 1024 * 1024;
const HEADER = 'Subject: big\r\n\r\n';

/** Answers with size and digest of what it was given, and reads it piece by piece. */
const digestPlugin = {
  'plugins/queue/digest.ts': `
    import { createHash } from 'node:crypto';
    import { definePlugin, ok } from 'qpsmtpd';

    export default definePlugin({
      name: 'queue/digest',
      summary: 'tells what came',
      setup: () => ({
        async queue({ transaction }) {
          const hash = createHash('sha256');
          for await (const chunk of transaction.body.chunks()) hash.update(chunk);
          return ok(transaction.body.size + ' ' + hash.digest('hex'));
        },
      }),
    });
  `,
};

const take = (plugin: string, files: Readonly<Record<string, string>>): Promise<TestServer> =>
  startServer({
    config: { plugins: ['rcpt_ok', plugin], rcpthosts: 'b.example', loglevel: 'notice' },
    files,
  });

const spooled = ({ dir }: TestServer) => readdirSync(join(dir, 'spool'));

test('a chunk of 64 MB is no burden on memory, and comes out as it went in', async () => {
  const server = await take('queue/digest', digestPlugin);
  const client = await greeted(server);
  await client.envelope('a@a.example', 'b@b.example');
  const before = residentMegabytes(server.pid);
  const piece = Buffer.alloc(MEGABYTE);
  for (let at = 0; at < piece.length; at++) piece[at] = (at * 7919) % 251;
  const hash = createHash('sha256');
  client.send(`BDAT ${HEADER.length + 64 * MEGABYTE}\r\n${HEADER}`);
  for (let count = 0; count < 64; count++) {
    client.send(piece);
    hash.update(piece);
  }
  await client.expect(250);
  const grown = residentMegabytes(server.pid) - before;
  assert.ok(grown < 60, `the server has grown by ${grown} MB`);
  const reply = await client.command('BDAT 0 LAST', 250);
  assert.equal(reply, `250 2.0.0 ${64 * MEGABYTE} ${hash.digest('hex')}`);
  assert.deepEqual(spooled(server), []);
});

test('messages that come octet by octet are the same', async () => {
  const server = await take(recordLine, recordPlugin);
  const client = await greeted(server);
  const text = 'Subject: x\r\n\r\n.\r\nQUIT\r\n\0\xff\r\n';
  for (let count = 0; count < 2; count++) {
    await client.envelope('a@a.example', 'b@b.example');
    await client.trickle(`BDAT 15\r\n${text.slice(0, 15)}BDAT ${text.length - 15} LAST\r\n${text.slice(15)}`);
    await client.expect(/^250 2\.0\.0 15 octets received$/);
    await client.expect(250);
  }
  const messages = recordedMessages(server.dir).map(({ content }) => content);
  assert.equal(messages.length, 2);
  for (const message of messages) assert.ok(message.endsWith(text.replaceAll('\r\n', '\n')), message);
});

test('clients that leave in the middle of a chunk leave nothing behind', async () => {
  const server = await take(recordLine, recordPlugin);
  for (const leave of ['reset', 'halfClose', 'close'] as const) {
    const client = await greeted(server);
    await client.envelope('a@a.example', 'b@b.example');
    client.send(`BDAT 10000000\r\n${HEADER}`);
    client.send(Buffer.alloc(2 * MEGABYTE, 'x'));
    client[leave]();
  }
  const client = await greeted(server);
  await client.command('QUIT', 221);
  assert.deepEqual(recordedMessages(server.dir), []);
  assert.equal(await server.stop(), 0);
  assert.deepEqual(spooled(server), []);
});

test('a server that is told to stop takes the message under way first', async () => {
  const server = await take(recordLine, recordPlugin);
  const client = await greeted(server);
  await client.envelope('a@a.example', 'b@b.example');
  client.send(`BDAT ${HEADER.length}\r\n${HEADER}`);
  await client.expect(250);
  server.signal('SIGTERM');
  await server.waitForLog(/shutting down/);
  client.send('BDAT 6\r\nbody\r\n');
  await client.expect(250);
  await client.command('BDAT 0 LAST', 250);
  await client.command('NOOP', 421);
  assert.equal(await server.exited, 0);
  assert.equal(recordedMessages(server.dir).length, 1);
});

function residentMegabytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  return Number(kilobytes) / 1024;
}
