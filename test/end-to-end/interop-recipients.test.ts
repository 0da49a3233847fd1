// One reply for each recipient at the end of a message, to those who know what to do with it: Exim by PRDR
// (draft-hall-prdr), Postfix by LMTP (RFC 2033). Who is refused is told of or tried again alone.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startExim } from '../support/exim.ts';
import { type OtherMta, whyNotUnpacked } from '../support/other-mta.ts';
import { startPostfix, whyNoPostfix } from '../support/postfix.ts';
import {
  arrives,
  bounces,
  commands,
  isTold,
  send,
  startFinalServer,
  withSubject,
} from '../support/relayed-mail.ts';
import type { TestServer } from '../support/server-process.ts';

const RECIPIENTS = ['one@b.example', 'never-alone@b.example', 'two@b.example', 'later-alone@b.example'];

async function refuseSome(server: TestServer, mta: OtherMta): Promise<void> {
  await send(mta, { to: RECIPIENTS }, 'Subject: some\r\n\r\nbody\r\n');
  await arrives(server, mta, () => withSubject(server, 'some').length > 1 && bounces(server).length > 0);
  assert.deepEqual(
    withSubject(server, 'some').map(({ envelope }) => envelope.split(' ').slice(1).sort()),
    [['<one@b.example>', '<two@b.example>'], ['<later-alone@b.example>']],
  );
  const [bounce, ...more] = bounces(server);
  assert.deepEqual(more, []);
  assert.match(bounce?.content ?? '', /never-alone@b\.example/);
  assert.match(bounce?.content ?? '', /never alone/);
  for (const other of ['one@', 'two@', 'later-alone@']) {
    assert.doesNotMatch(bounce?.content ?? '', new RegExp(`(?:Final-Recipient: rfc822;|^ *) ?${other}`, 'm'));
  }
}

describe('one reply for each recipient', async () => {
  test('Exim, by PRDR over BDAT', { skip: whyNotUnpacked('exim') }, async () => {
    const server = await startFinalServer();
    await refuseSome(server, await startExim(server));
    await isTold(server, 'MAIL', / PRDR$/);
    await isTold(server, 'BDAT');
  });

  test('Postfix, by LMTP', { skip: await whyNoPostfix() }, async () => {
    const server = await startFinalServer({ args: ['--listen', '127.0.0.1:0,lmtp'] });
    const [, port] = await server.waitForLog(/Listening on \S*?:(\d+)\S*lmtp/);
    await refuseSome(server, await startPostfix({ port: Number(port), protocol: 'lmtp' }));
    await isTold(server, 'LHLO');
    assert.deepEqual(commands(server, 'EHLO'), []);
  });
});
