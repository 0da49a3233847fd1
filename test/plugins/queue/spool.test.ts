// queue/spool on its line: what it makes of its words, what it offers, and what a client hears.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { definePlugin, ok } from 'qpsmtpd';
import { makeFolder } from '../../support/maildir-queue.ts';
import { findingsFor, stageWith, talkOn } from '../plugin-talk.ts';

async function talk(line: string) {
  const plain = definePlugin({
    name: 'queue/plain',
    summary: 'takes all',
    setup: () => ({ queue: () => ok() }),
  });
  const stage = await stageWith([line], { plugins: { 'queue/plain': plain } });
  return { stage, talk: await talkOn(stage) };
}

async function send(line: string): Promise<string> {
  const { talk: client } = await talk(line);
  await client.say('EHLO client.example', 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA');
  return client.send('Subject: x\r\n\r\nbody\r\n.\r\n');
}

describe('queue/spool', () => {
  it('takes messages without a server behind it, into a folder that it makes', async () => {
    const dir = join(makeFolder(), 'var', 'queue');
    const reply = await send(`queue/spool ${dir} via queue/smtp-forward 127.0.0.1:9`);
    const [, id = ''] = /^250 2\.0\.0 queued as (\S+)$/.exec(reply) ?? [];
    assert.deepEqual(readdirSync(join(dir, 'queue')), [id]);
    assert.deepEqual(readdirSync(join(dir, 'tmp')), []);
  });

  it('tells the client to come again when the message cannot be stored, and names the path in the log alone', async () => {
    const dir = makeFolder();
    mkdirSync(join(dir, 'tmp'));
    writeFileSync(join(dir, 'queue'), 'in the way');
    chmodSync(dir, 0o700);
    const { stage, talk: client } = await talk(`queue/spool ${dir} via queue/discard`);
    await client.say('EHLO client.example', 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA');
    const reply = await client.send('Subject: x\r\n\r\nbody\r\n.\r\n');
    assert.equal(reply, '452 4.3.0 the message could not be stored, try again later');
    assert.match(stage.takeLog().join('\n'), new RegExp(`queue/spool: error, cannot write ${dir}/`));
    assert.deepEqual(readdirSync(join(dir, 'tmp')), []);
  });

  it('offers DSN, and what the plugin behind it can carry', async () => {
    for (const [via, offered] of [
      ['queue/discard', true],
      ['queue/plain', false],
    ] as const) {
      const { talk: client } = await talk(`queue/spool ${makeFolder()} via ${via}`);
      const reply = await client.say('EHLO client.example');
      assert.match(reply, /^250[- ]DSN$/m);
      assert.equal(/^250[- ]BINARYMIME$/m.test(reply), offered, via);
    }
  });

  for (const [what, line, text] of [
    ['no folder', 'queue/spool', /needs dir PATH/],
    ['no plugin', 'queue/spool /q', /needs via PLUGIN/],
    ['an unknown plugin', 'queue/spool /q via queue/nobody x', /no plugin "queue\/nobody"/],
    ['a plugin with a mistake', 'queue/spool /q via queue/maildir', /"queue\/maildir" needs dir/],
    ['a plugin that takes no mail', 'queue/spool /q via rcpt_ok', /takes no messages/],
    [
      'a bad number',
      'queue/spool /q concurrency 0 via queue/discard',
      /option concurrency: 0 is not between/,
    ],
  ] as const) {
    it(`is told as a mistake: ${what}`, async () => {
      const findings = await findingsFor([line]);
      assert.match(findings.map((finding) => finding.text).join('\n'), text);
    });
  }
});
