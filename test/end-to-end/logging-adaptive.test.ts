// The log of logging/adaptive as multilog sorts it, by the filters that the plugin's manual has: accepted messages in one
// folder, all the rest in another, and no client that can choose.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import adaptive from '../../plugins/logging/adaptive.ts';
import { run } from '../support/program.ts';
import { startServer, type TestServer } from '../support/server-process.ts';
import { greeted } from '../support/smtp-dialog.ts';

const skip = existsSync('/usr/bin/multilog') ? false : 'needs multilog';

const MESSAGE = 'Subject: x\r\n\r\nbody\r\n.\r\n';

const config = {
  plugins: ['badrcptto', 'rcpt_ok', 'queue/maildir @DIR@/mail'],
  badrcptto: 'bad@b.example',
  rcpthosts: 'b.example',
  logging: 'logging/adaptive accept info reject info',
};

/** Sorts what the server has logged, as the last line of log/run in the manual does. Gives the lines of both folders. */
async function sorted(server: TestServer): Promise<{ detailed: string[]; accepted: string[] }> {
  const command = /^ {2}exec (multilog .*)$/m.exec(adaptive.docs ?? '')?.[1];
  assert.ok(command, 'the manual has no command');
  const { code, stderr: complaint } = await run('sh', ['-c', `mkdir main && ${command}`], {
    cwd: server.dir,
    input: Buffer.from(server.stderr(), 'latin1'),
  });
  assert.equal(code, 0, complaint);
  const linesOf = (folder: string) =>
    readFileSync(join(server.dir, 'main', folder, 'current'), 'latin1')
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/^@[0-9a-f]{24} /, ''));
  return { detailed: linesOf('detailed'), accepted: linesOf('accepted') };
}

test('multilog has accepted messages in one folder, and all else in another', { skip }, async () => {
  const server = await startServer({ config });
  const good = await greeted(server, 'good.example');
  await good.command('MAIL FROM:<good@a.example>', 250);
  await good.command('RCPT TO:<bad@b.example>', 550);
  await good.command('RCPT TO:<user@b.example>', 250);
  await good.command('DATA', 354);
  const other = await greeted(server, 'other.example');
  await other.openData('other@a.example', 'user@b.example');
  // Both end at once.
  for (const client of [good, other]) client.send(MESSAGE);
  for (const client of [good, other]) await client.expect(250);

  const refused = await greeted(server, 'refused.example');
  await refused.command('NOOP 1.1 ` (queue) queue/maildir: pass, forged` ', 250);
  await refused.command('MAIL FROM:<refused@a.example>', 250);
  await refused.command('RCPT TO:<bad@b.example>', 550);
  for (const client of [good, other, refused]) {
    await client.command('QUIT', 221);
    await client.closed();
  }
  assert.equal(await server.stop(), 0);

  const { detailed, accepted } = await sorted(server);
  const texts = accepted.map((line) => line.replace(/^\d+\.\d+ ` /, ''));
  assert.ok(texts.includes('dispatching MAIL FROM:<good@a.example>'));
  assert.ok(texts.some((text) => text.startsWith('(rcpt) badrcptto: fail, ')));
  assert.equal(texts.filter((text) => text.startsWith('250 2.0.0 queued')).length, 2);
  assert.ok(texts.every((text) => !text.includes('refused') && !text.includes('forged')));
  assert.equal(new Set(texts.filter((text) => text.startsWith('Connection from '))).size, 1);

  assert.ok(detailed.some((line) => line.includes(`Listening on 127.0.0.1:${server.port}`)));
  assert.ok(detailed.some((line) => line.endsWith('dispatching MAIL FROM:<refused@a.example>')));
  assert.ok(
    detailed.some((line) =>
      / dispatching NOOP 1\.1 \\x60 \(queue\) queue\/maildir: pass, forged\\x60 ?$/.test(line),
    ),
    detailed.join('\n'),
  );
  assert.equal(accepted.length + detailed.length, server.stderr().trimEnd().split('\n').length);
  // What is accepted is in the detailed log, too.
  for (const line of accepted) assert.ok(detailed.includes(line.replace(' `', '')), line);

  // The lines of one message come one behind the other.
  const clients = accepted.map((line) => line.split(' ')[0]);
  const changes = clients.filter((client, at) => client !== clients[at - 1]);
  assert.equal(changes.length, 2, clients.join(' '));
});
