// The order in which the hooks of one session run (qpsmtpd: lib/Qpsmtpd/SMTP.pm), seen by a plugin that has
// a handler for every one of them. One departure: queue_post runs before reset_transaction, so that it still has the
// message.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type HookName, type HookTable, hookFacts, hookNames } from '../../src/contract/hooks.ts';
import { declined, ok } from '../../src/contract/verdict.ts';
import { begin, MESSAGE } from './support.ts';

// These run at any time, once for each entry, look-up and verdict.
const everywhere = new Set<string>(['logging', 'config', 'user_config', 'ok', 'deny']);

const base64 = (text: string) => Buffer.from(text).toString('base64');
const logins: readonly (readonly string[])[] = [
  [`AUTH PLAIN ${base64('\0u\0p')}`],
  ['AUTH LOGIN', base64('u'), base64('p')],
  ['AUTH CRAM-MD5', base64(`u ${'0'.repeat(32)}`)],
  [`AUTH SCRAM-SHA-256 ${base64('n,,n=u,r=abc')}`, '*'],
  [`AUTH XOAUTH2 ${base64('user=u\x01auth=Bearer t\x01\x01')}`, ''],
  [`AUTH OAUTHBEARER ${base64('n,a=u,\x01auth=Bearer t\x01\x01')}`, 'AQ=='],
];

interface Recorded {
  readonly seen: { hook: HookName; args: readonly unknown[] }[];
  readonly table: HookTable;
}

/** Every hook declines, but a recipient and a message are taken. */
function recorder(): Recorded {
  const seen: Recorded['seen'] = [];
  const handler = (hook: HookName) =>
    function record(_at: unknown, ...args: readonly unknown[]) {
      seen.push({ hook, args });
      if (hookFacts[hook].kind === 'watch') return undefined;
      return hook === 'rcpt' || hook === 'queue' ? ok() : declined;
    };
  const table = Object.fromEntries(hookNames.map((hook) => [hook, handler(hook)])) as HookTable;
  return { seen, table };
}

function take({ seen }: Recorded): string[] {
  const names = seen.map(({ hook }) => hook).filter((hook) => !everywhere.has(hook));
  seen.length = 0;
  return names;
}

describe('hooks of a session', () => {
  it('run in the order of qpsmtpd', async () => {
    const recorded = recorder();
    const talk = await begin({ plugins: { 'queue/recorder': recorded.table } });
    assert.deepEqual(take(recorded), ['pre-connection', 'connect']);
    const steps: readonly (readonly [line: string, hooks: readonly string[]])[] = [
      ['HELO client.example', ['helo_parse', 'helo']],
      ['EHLO client.example', ['ehlo_parse', 'ehlo', 'reset_transaction']],
      ['AUTH PLAIN AHUAcA==', ['auth_parse', 'auth-plain', 'auth']],
      ['AUTH XYZZY', ['auth_parse']],
      ['XYZZY', ['unrecognized_command']],
      ['NOOP', ['noop']],
      ['HELP', ['help']],
      ['VRFY user', ['vrfy']],
      ['RCPT TO:<b@b.example>', ['rcpt_parse']],
      ['DATA', ['data']],
      ['DATA now', []],
      ['MAIL FROM:<a@a.example>', ['reset_transaction', 'mail_parse', 'mail_pre', 'mail']],
      ['RCPT TO:<b@b.example>', ['rcpt_parse', 'rcpt_pre', 'rcpt']],
      ['DATA', ['data']],
    ];
    for (const [line, hooks] of steps) {
      await talk.say(line);
      assert.deepEqual(take(recorded), hooks, line);
    }
    await talk.send('Subject: x\r\n\r\n');
    assert.deepEqual(take(recorded), ['data_headers_end']);
    await talk.send('body\r\n');
    assert.deepEqual(take(recorded), []);
    await talk.send('.\r\n');
    assert.deepEqual(take(recorded), [
      'data_post_headers',
      'received_line',
      'data_post',
      'queue_pre',
      'queue',
      'queue_post',
      'reset_transaction',
    ]);
    await talk.say('RSET');
    assert.deepEqual(take(recorded), ['reset_transaction']);
    await talk.say('QUIT');
    await talk.over;
    assert.deepEqual(take(recorded), ['quit', 'disconnect', 'reset_transaction', 'post-connection']);
  });

  it('are all of the map but that of the process, and deny, as nothing was denied', async () => {
    const recorded = recorder();
    const talk = await begin({
      plugins: { 'queue/recorder': recorded.table },
      config: { max_login_failures: ['100'] },
    });
    await talk.say('HELO c.example', 'EHLO c.example');
    for (const lines of logins) await talk.say(...lines);
    await talk.say('X', 'NOOP', 'HELP', 'VRFY u', 'MAIL FROM:<a@a.example>');
    await talk.say('RCPT TO:<b@b.example>', 'DATA');
    await talk.send(MESSAGE);
    await talk.say('MAIL FROM:<>', 'QUIT');
    await talk.over;
    const run = new Set(recorded.seen.map(({ hook }) => hook));
    assert.deepEqual(
      hookNames.filter((hook) => !run.has(hook)),
      ['post-fork', 'deny'],
    );
  });

  it('are given their arguments', async () => {
    const recorded = recorder();
    const talk = await begin({ plugins: { 'queue/recorder': recorded.table } });
    const argsOf = (hook: HookName) => recorded.seen.find((entry) => entry.hook === hook)?.args;
    await talk.say('EHLO  client.example more', 'Xyzzy one  two', 'NOOP a', 'HELP b', 'VRFY c');
    await talk.say('MAIL FROM:<a@a.example> SIZE=3', 'RCPT TO:<b@b.example>');
    assert.deepEqual(argsOf('ehlo_parse'), ['client.example more']);
    assert.deepEqual(argsOf('ehlo'), ['client.example']);
    assert.deepEqual(argsOf('unrecognized_command'), ['xyzzy', 'one  two']);
    assert.deepEqual(argsOf('noop'), ['a']);
    assert.deepEqual(argsOf('help'), ['b']);
    assert.deepEqual(argsOf('vrfy'), ['c']);
    assert.deepEqual(argsOf('mail_parse'), ['FROM:<a@a.example> SIZE=3']);
    assert.deepEqual(argsOf('mail_pre'), ['<a@a.example>', new Map([['SIZE', '3']])]);
    assert.equal(String(argsOf('mail')?.[0]), 'a@a.example');
    assert.deepEqual(argsOf('rcpt_pre'), ['<b@b.example>', new Map()]);
    assert.equal(String(argsOf('rcpt')?.[0]), 'b@b.example');
  });
});
