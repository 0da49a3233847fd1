// What plugins see of the extensions that concern the envelope, where a transcript cannot show it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HookTable } from '../../src/contract/hooks.ts';
import { declined } from '../../src/contract/verdict.ts';
import { begin } from './support.ts';

const octets = (text: string) => Buffer.from(text).toString('latin1');

test('parameters are kept as given, for MAIL and for each recipient', async () => {
  const config = { extensions: ['DSN on', 'MT-PRIORITY on'] };
  const talk = await begin({ config });
  await talk.say(
    'EHLO client.example',
    'MAIL FROM:<a@a.example> RET=hdrs ENVID=a+2Bb MT-PRIORITY=-3',
    'RCPT TO:<b@b.example> NOTIFY=delay ORCPT=rfc822;x+2By@b.example',
    'RCPT TO:<c@b.example>',
  );
  const { transaction } = talk.session;
  assert.deepEqual(
    [...transaction.params],
    [
      ['RET', 'hdrs'],
      ['ENVID', 'a+2Bb'],
      ['MT-PRIORITY', '-3'],
    ],
  );
  const [first, second] = transaction.recipients;
  assert.ok(first !== undefined && second !== undefined);
  assert.deepEqual(
    [...transaction.paramsOf(first)],
    [
      ['NOTIFY', 'delay'],
      ['ORCPT', 'rfc822;x+2By@b.example'],
    ],
  );
  assert.equal(transaction.paramsOf(second).size, 0);
});

test('hooks see text, not octets (RFC 6531)', async () => {
  const seen: unknown[] = [];
  const note = (...what: unknown[]) => {
    seen.push(what);
    return declined;
  };
  const talk = await begin({
    config: { extensions: ['SMTPUTF8 on'] },
    plugins: {
      spy: {
        mail_parse: (_at, argument) => note('mail_parse', argument),
        mail_pre: (_at, path) => note('mail_pre', path),
        mail: (_at, sender) => note('mail', sender.toString()),
        rcpt_pre: (_at, path) => note('rcpt_pre', path),
        rcpt: (_at, recipient) => note('rcpt', recipient.asciiDomain),
        vrfy: (_at, argument) => note('vrfy', argument),
      },
    },
  });
  await talk.say(
    'EHLO client.example',
    octets('MAIL FROM:<jörg@a.example> SMTPUTF8'),
    octets('RCPT TO:<用户@bücher.example>'),
    octets('VRFY 用户 SMTPUTF8'),
  );
  assert.deepEqual(seen, [
    ['mail_parse', 'FROM:<jörg@a.example> SMTPUTF8'],
    ['mail_pre', '<jörg@a.example>'],
    ['mail', 'jörg@a.example'],
    ['rcpt_pre', '<用户@bücher.example>'],
    ['rcpt', 'xn--bcher-kva.example'],
    ['vrfy', '用户'],
  ]);
  const { notes } = talk.session.connection;
  assert.equal(notes.get('envelope_from'), 'FROM:<jörg@a.example> SMTPUTF8');
  assert.equal(notes.get('envelope_rcpt'), 'TO:<用户@bücher.example>');
});

test('what is not UTF-8 is refused before any hook sees it', async () => {
  const seen: string[] = [];
  const note = (argument: string) => {
    seen.push(argument);
    return declined;
  };
  const talk = await begin({
    config: { extensions: ['SMTPUTF8 on', 'DSN on'] },
    plugins: {
      spy: {
        mail_parse: (_at, argument) => note(argument),
        rcpt_parse: (_at, argument) => note(argument),
        vrfy: (_at, argument) => note(argument),
      },
    },
  });
  await talk.say('EHLO client.example', 'MAIL FROM:<a@a.example> SMTPUTF8');
  seen.length = 0;
  for (const line of [
    'RCPT TO:<\xfc@b.example>',
    'RCPT TO:<b@b.example> ORCPT=utf-8;\xc3',
    'VRFY \xff SMTPUTF8',
    'MAIL FROM:<\xed\xa0\x80@a.example> SMTPUTF8',
  ]) {
    assert.equal(await talk.say(line), '501 5.5.2 the command is not in UTF-8', line);
  }
  assert.deepEqual(seen, []);
});

test('a path that a plugin gives follows the same rules', async () => {
  const plugins = { swap: { mail_pre: () => ({ code: 'OK', value: '<jörg@a.example>' }) as const } };
  const talk = await begin({ plugins, config: { extensions: ['SMTPUTF8 on'] } });
  await talk.say('EHLO client.example');
  assert.match(await talk.say('MAIL FROM:<x@a.example>'), /^553 5\.6\.7 /);
  assert.match(await talk.say('MAIL FROM:<x@a.example> SMTPUTF8'), /^250 /);
  assert.equal(talk.session.transaction.sender?.localPart, 'jörg');
});

test('REQUIRETLS is offered and taken under TLS (RFC 8689 section 3)', async () => {
  const talk = await begin({ config: { extensions: ['REQUIRETLS on'] } });
  assert.doesNotMatch(await talk.say('EHLO client.example'), /REQUIRETLS/);
  talk.session.connection.tls = {
    protocol: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    serverName: null,
    isResumed: false,
    clientCertificate: null,
    channelBinding: () => null,
  };
  assert.match(await talk.say('EHLO client.example'), /^250[ -]REQUIRETLS$/m);
  assert.match(await talk.say('MAIL FROM:<a@a.example> REQUIRETLS'), /^250 /);
  assert.equal(talk.session.transaction.params.get('REQUIRETLS'), true);
});

// What a site's own plugin offers, in the way that stood before the core knew the extension.
const ownDsn: HookTable = {
  connect(at) {
    at.connection.offer('DSN', { mail: ['RET'] });
    return declined;
  },
};

test('a parameter that the core does not take may be a plugin’s', async () => {
  const talk = await begin({ plugins: { own: ownDsn } });
  assert.match(await talk.say('EHLO client.example'), /^250[ -]DSN$/m);
  assert.match(await talk.say('MAIL FROM:<a@a.example> RET=anything'), /^250 /);
});

test('an extension that both offer has one line', async () => {
  const talk = await begin({ plugins: { own: ownDsn }, config: { extensions: ['DSN on'] } });
  assert.equal((await talk.say('EHLO client.example')).match(/^250[ -]DSN$/gm)?.length, 1);
  assert.match(await talk.say('MAIL FROM:<a@a.example> RET=anything'), /^501 /);
});
