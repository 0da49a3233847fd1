// What transcripts cannot show: logins that answer a challenge, and how long a login takes.

import assert from 'node:assert/strict';
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Stage } from '../../../src/cli/transcript/stage.ts';
import type { Talk } from '../../session/support.ts';
import { findingsFor, stageWith, talkOn } from '../plugin-talk.ts';

const PLUGIN = 'auth/auth_flat_file';
const SHA_CRYPT =
  '$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1';
// RFC 7677 section 3: the password is "pencil".
const SCRAM =
  'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=';

const open = (...entries: readonly string[]) =>
  stageWith([PLUGIN], { config: { flat_auth_pw: entries, auth_failure_delay: ['0'] } });

async function greeted(stage: Stage): Promise<Talk> {
  const talk = await talkOn(stage);
  await talk.say('EHLO client.example');
  return talk;
}

const toBase64 = (text: string) => Buffer.from(text).toString('base64');
const fromBase64 = (text: string) => Buffer.from(text, 'base64').toString();

async function loginByCramMd5(talk: Talk, user: string, password: string): Promise<string> {
  const challenge = await talk.say('AUTH CRAM-MD5');
  assert.match(challenge, /^334 /);
  const digest = createHmac('md5', password)
    .update(fromBase64(challenge.slice(4)))
    .digest('hex');
  return talk.say(toBase64(`${user} ${digest}`));
}

/** Gives the last reply, and the salt that the server has shown. */
async function loginByScram(talk: Talk, user: string, password: string) {
  const first = `n=${user},r=clientnonce`;
  const reply = await talk.say(`AUTH SCRAM-SHA-256 ${toBase64(`n,,${first}`)}`);
  assert.match(reply, /^334 /);
  const challenge = fromBase64(reply.slice(4));
  const [, nonce = '', salt = '', iterations] = /^r=(.*),s=(.*),i=(\d+)$/.exec(challenge) ?? [];
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const final = `c=biws,r=${nonce}`;
  const signature = createHmac('sha256', createHash('sha256').update(clientKey).digest())
    .update(`${first},${challenge},${final}`)
    .digest();
  const proof = clientKey.map((octet, at) => octet ^ (signature[at] ?? 0));
  let last = await talk.say(toBase64(`${final},p=${Buffer.from(proof).toString('base64')}`));
  if (last.startsWith('334 ')) last = await talk.say('');
  return { last, salt, iterations: Number(iterations) };
}

describe('auth_flat_file by CRAM-MD5', () => {
  it('lets in who knows the password in clear, and nobody else', async () => {
    const stage = await open('Ann@example.org:pass:word', `bob@example.org:${SHA_CRYPT}`);
    assert.match(await loginByCramMd5(await greeted(stage), 'Ann@EXAMPLE.org', 'pass:word'), /^235 /);
    assert.match(await loginByCramMd5(await greeted(stage), 'Ann@example.org', 'password'), /^535 /);
    assert.match(await loginByCramMd5(await greeted(stage), 'eve@example.org', 'pass:word'), /^535 /);
  });

  it('cannot serve who has but a hash, and says so in the log', async () => {
    const stage = await open(`bob@example.org:${SHA_CRYPT}`);
    const talk = await greeted(stage);
    stage.takeLog();
    assert.match(await loginByCramMd5(talk, 'bob@example.org', 'secret'), /^535 /);
    assert.match(stage.takeLog().join('\n'), /skip, CRAM-MD5 needs the password in clear: bob@example.org/);
    assert.match(await talk.say(`AUTH PLAIN ${toBase64('\0bob@example.org\0secret')}`), /^235 /);
  });
});

describe('auth_flat_file by SCRAM-SHA-256', () => {
  it('makes a secret of a password in clear, the same one each time', async () => {
    const stage = await open('ann@example.org:pencil', 'bob@example.org:pencil');
    const logins = [
      await loginByScram(await greeted(stage), 'ann@example.org', 'pencil'),
      await loginByScram(await greeted(stage), 'ann@EXAMPLE.org', 'pencil'),
      await loginByScram(await greeted(stage), 'bob@example.org', 'pencil'),
    ] as const;
    for (const { last, iterations } of logins) {
      assert.match(last, /^235 /);
      assert.ok(iterations >= 4096);
    }
    assert.equal(logins[0].salt, logins[1].salt);
    assert.notEqual(logins[0].salt, logins[2].salt);
  });

  it('takes a stored secret, which does for PLAIN, too', async () => {
    const stage = await open(`ann@example.org:${SCRAM}`);
    const { last, salt } = await loginByScram(await greeted(stage), 'ann@example.org', 'pencil');
    assert.match(last, /^235 /);
    assert.equal(salt, 'W22ZaJ0SNY7soEsUEjb6gQ==');
    const plain = `AUTH PLAIN ${toBase64('\0ann@example.org\0pencil')}`;
    assert.match(await (await greeted(stage)).say(plain), /^235 /);
  });

  it('shows a challenge to everybody, and refuses at the end', async () => {
    const stage = await open('ann@example.org:pencil', `bob@example.org:${SHA_CRYPT}`);
    for (const [user, password] of [
      ['ann@example.org', 'wrong'],
      ['bob@example.org', 'secret'],
      ['eve@example.org', 'pencil'],
    ] as const) {
      const { last, iterations } = await loginByScram(await greeted(stage), user, password);
      assert.match(last, /^535 /, user);
      assert.equal(iterations, 4096);
    }
  });
});

describe('auth_flat_file', () => {
  it('takes as long for somebody who is not listed as for a wrong password', async () => {
    const stage = await open(`ann@example.org:${SHA_CRYPT.replace('$6$', '$6$rounds=50000$')}`);
    const fastest = async (user: string) => {
      const times: number[] = [];
      for (let at = 0; at < 3; at++) {
        const talk = await greeted(stage);
        const begun = performance.now();
        assert.match(await talk.say(`AUTH PLAIN ${toBase64(`\0${user}\0wrong`)}`), /^535 /);
        times.push(performance.now() - begun);
      }
      return Math.min(...times);
    };
    const listed = await fastest('ann@example.org');
    const unlisted = await fastest('eve@example.org');
    assert.ok(unlisted > listed / 2, `${unlisted} ms against ${listed} ms`);
  });

  it('refuses everybody where there are no entries', async () => {
    const stage = await open();
    assert.match(await (await greeted(stage)).say(`AUTH PLAIN ${toBase64('\0a@b\0c')}`), /^535 /);
  });

  it('is no mistake of configuration as such', async () => {
    assert.deepEqual(await findingsFor([PLUGIN]), []);
  });
});
