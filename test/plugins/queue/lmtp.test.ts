// queue/lmtp: one answer of the server for each recipient, and what becomes of them.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import lmtp from '../../../plugins/queue/lmtp.ts';
import { cleanUp } from '../../support/cleanup.ts';
import { type Mail, setUpQueue } from '../../support/queue-plugin.ts';
import { type Behaviour, type ScriptedPeer, startScriptedServer } from '../../support/scripted-server.ts';

const three = ['<a@b.example>', '<b@b.example>', '<c@b.example>'];

async function deliver(behaviour: Behaviour | ((peer: ScriptedPeer) => Promise<void>), mail: Mail = {}) {
  const peers: ScriptedPeer[] = [];
  const server = await startScriptedServer((peer) => {
    peers.push(peer);
    return typeof behaviour === 'function' ? behaviour(peer) : peer.obey(behaviour);
  });
  const queue = setUpQueue(lmtp, `127.0.0.1:${server.port}`);
  const { verdict, answers } = await queue.deliver({ recipients: three, ...mail });
  return {
    verdict: `${verdict.reply?.code ?? ''} ${verdict.code} ${verdict.status ?? ''}`.trim(),
    answers: answers.map((answer) => answer && `${answer.reply?.code ?? 250} ${answer.text.join()}`),
    log: queue.log,
    messages: peers.flatMap((peer) => peer.messages),
  };
}

const offers = ['PIPELINING', 'ENHANCEDSTATUSCODES'];
const mixed = { offers, replies: { '.': '250 2.0.0 <a> saved\n452 4.2.2 <b> is full\n550 5.7.1 <c> no' } };

describe('a client that takes an answer for each recipient', () => {
  test('gets those of the server', async () => {
    const { verdict, answers } = await deliver(mixed, { answersEach: true });
    assert.equal(verdict, 'OK');
    assert.deepEqual(answers, ['250 queued: <a> saved', '452 <b> is full', '550 <c> no']);
  });

  test('gets the refusals of recipients and those of the message', async () => {
    const replies = { 'RCPT TO:<a': '550 5.1.1 no such user', '.': '250 2.0.0 saved\n452 4.2.2 full' };
    const { answers, messages } = await deliver({ offers, replies }, { answersEach: true });
    assert.deepEqual(answers, ['550 no such user', '250 queued: saved', '452 full']);
    assert.equal(messages.length, 1);
  });

  test('gets an answer for each when the server goes in the middle of its answers', async () => {
    const { verdict, answers, log } = await deliver(goesAfter('250 2.0.0 saved'), { answersEach: true });
    assert.equal(verdict, 'OK');
    assert.deepEqual(
      answers.map((answer) => answer?.slice(0, 3)),
      ['250', '451', '451'],
    );
    assert.match(log[0] ?? '', /no answer to the message, which it may have taken/);
  });
});

describe('any other client', () => {
  test('gets the one answer for all', async () => {
    const { verdict, answers } = await deliver({ offers });
    assert.equal(verdict, 'OK');
    assert.deepEqual(answers, [null, null, null]);
  });

  test('hears the refusal of a recipient before anything is sent', async () => {
    const replies = { 'RCPT TO:<c': '550 5.1.1 no such user' };
    const { verdict, answers, messages } = await deliver({ offers, replies });
    assert.equal(verdict, '550 DENY 5.1.1');
    assert.deepEqual([answers, messages], [[null, null, null], []]);
  });

  test('hears the refusal where some got the message, and it is known who did', async () => {
    const { verdict, answers } = await deliver(mixed);
    assert.equal(verdict, '550 DENY 5.7.1');
    assert.deepEqual(answers, ['250 queued: <a> saved', '452 <b> is full', '550 <c> no']);
  });

  test('is to come again when the server goes in the middle of its answers, and it is known who got it', async () => {
    const { verdict, answers } = await deliver(goesAfter('250 2.0.0 saved'));
    assert.equal(verdict, '451 DENYSOFT 4.4.2');
    assert.deepEqual(
      answers.map((answer) => answer?.slice(0, 3)),
      ['250', '451', '451'],
    );
  });
});

function goesAfter(answer: string) {
  return async (peer: ScriptedPeer) => {
    peer.say('220 scripted.example');
    await peer.line();
    peer.say('250-scripted.example', '250 PIPELINING');
    for (let line = ''; line !== 'DATA'; ) {
      line = await peer.line();
      if (line !== 'DATA') peer.say('250 ok');
    }
    peer.say('354 go on');
    await peer.message();
    peer.say(answer);
    peer.end();
  };
}

describe('the server', () => {
  test('may be a unix socket, the next one after a dead one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-lmtp-'));
    cleanUp(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'lmtp');
    await startScriptedServer((peer) => peer.obey({ offers }), { path });
    const queue = setUpQueue(lmtp, `${path}-dead,${path}`);
    assert.equal((await queue.deliver({ recipients: three })).verdict.code, 'OK');
    assert.match(queue.log[0] ?? '', /-dead: connect ENOENT/);
  });

  test('must be one', () => {
    for (const words of ['', 'run/lmtp', 'a.example:0', '/run/lmtp pool -1']) {
      assert.throws(() => setUpQueue(lmtp, words), words);
    }
  });
});
