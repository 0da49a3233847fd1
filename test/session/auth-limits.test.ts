// What failed logins cost: a pause before the reply, and after some of them the way to log in from that address.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HookTable } from '../../src/contract/hooks.ts';
import { deny, denySoft, ok } from '../../src/contract/verdict.ts';
import { HandClock } from '../engine/support.ts';
import { openStage, Talk } from './support.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const WRONG = `AUTH PLAIN ${base64('\0user\0wrong')}`;
const RIGHT = `AUTH PLAIN ${base64('\0user\0right')}`;
const FAILED = '535 5.7.8 login failed';
const ADMITTED = '235 2.7.0 you are logged in';
const LOCKED_OUT = '421 4.7.0 too many failed logins, try again later';

const oneUser: HookTable = { 'auth-plain': (_at, { password }) => (password === 'right' ? ok() : deny()) };

/** A server whose clock is set by hand. */
async function serve(config: Record<string, readonly string[]> = {}, hooks = oneUser) {
  const clock = new HandClock();
  const stage = await openStage({ plugins: { actor: hooks }, config, clock });
  return {
    stage,
    async client(ip = '192.0.2.1'): Promise<Talk> {
      const talk = new Talk(stage, { ip, host: 'client.example' });
      await talk.say('EHLO client.example');
      return talk;
    },
    pass(ms: number): void {
      clock.time += ms;
      stage.engine.deadlines.sweep();
    },
  };
}

/** Lets everything run that does not wait for time or client. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('auth_failure_delay', () => {
  it('holds back the reply to a failed login, 1 second without a file', async () => {
    for (const [config, ms] of [
      [{ auth_failure_delay: [] }, 1000],
      [{ auth_failure_delay: ['3'] }, 3000],
    ] as const) {
      const server = await serve(config);
      const talk = await server.client();
      const written = talk.wire.writes.length;
      talk.wire.send(`${WRONG}\r\n`);
      await settle();
      server.pass(ms - 1);
      await settle();
      assert.equal(talk.wire.writes.length, written);
      server.pass(1);
      assert.equal(await talk.replies(), FAILED);
    }
  });

  it('holds back nothing else', async () => {
    const server = await serve({ auth_failure_delay: ['3'] });
    const talk = await server.client();
    assert.match(await talk.say('AUTH PLAIN AA=='), /^501 /);
    assert.equal(await talk.say(RIGHT), ADMITTED);
    const soft = await serve({ auth_failure_delay: ['3'] }, { auth: () => denySoft() });
    assert.match(await (await soft.client()).say(WRONG), /^454 /);
  });

  it('does not keep the session of a client that is gone', async () => {
    const server = await serve({ auth_failure_delay: ['60'] });
    const talk = await server.client();
    talk.wire.send(`${WRONG}\r\n`);
    await settle();
    talk.wire.break();
    await talk.over;
    assert.equal(talk.session.ended, 'lost');
  });

  it('is not for auth_admin_networks', async () => {
    const server = await serve({ auth_failure_delay: ['60'], auth_admin_networks: ['192.0.2.0/24'] });
    assert.equal(await (await server.client()).say(WRONG), FAILED);
  });
});

describe('auth_lockout_failures', () => {
  const config = { auth_failure_delay: ['0'], auth_lockout_failures: ['3'], auth_lockout_time: ['60'] };

  it('locks out an address, over connections, for right passwords too', async () => {
    const server = await serve(config);
    const first = await server.client();
    assert.equal(await first.say(WRONG, WRONG), `${FAILED}\n${FAILED}`);
    const second = await server.client();
    assert.equal(await second.say(WRONG), FAILED);
    for (const line of [WRONG, RIGHT, 'AUTH PLAIN']) {
      const talk = await server.client();
      assert.equal(await talk.say(line), LOCKED_OUT);
      assert.ok(talk.isClosed);
    }
    assert.equal(await (await server.client('192.0.2.2')).say(RIGHT), ADMITTED);
    assert.ok(server.stage.takeLog().some((line) => line.includes('192.0.2.1 is locked out')));
  });

  it('ends with auth_lockout_time', async () => {
    const server = await serve(config);
    await (await server.client()).say(WRONG, WRONG, WRONG);
    server.pass(59_999);
    assert.equal(await (await server.client()).say(RIGHT), LOCKED_OUT);
    server.pass(1);
    assert.equal(await (await server.client()).say(RIGHT), ADMITTED);
  });

  it('is not undone by a login that succeeds: one account gives no guesses at the others', async () => {
    const server = await serve(config);
    await (await server.client()).say(WRONG, WRONG);
    assert.equal(await (await server.client()).say(RIGHT), ADMITTED);
    await (await server.client()).say(WRONG);
    assert.equal(await (await server.client()).say(RIGHT), LOCKED_OUT);
  });

  it('counts for exchanges that had begun: that a password was right does not show', async () => {
    const server = await serve(config);
    const early = await server.client();
    await early.say('AUTH PLAIN');
    await (await server.client()).say(WRONG, WRONG, WRONG);
    assert.equal(await early.say(base64('\0user\0right')), LOCKED_OUT);
    assert.equal(early.session.connection.authentication, null);
  });

  it('does not count what nobody has judged', async () => {
    const server = await serve(config, { auth: () => denySoft() });
    const talk = await server.client();
    for (let round = 0; round < 5; round++) assert.match(await talk.say(WRONG), /^454 /);
    assert.match(await talk.say('AUTH PLAIN', '*', 'AUTH PLAIN !', 'AUTH XYZZY'), /\n504 [^\n]*$/);
    assert.match(await talk.say(WRONG), /^454 /);
  });

  it('counts a bearer token whose client leaves before the last word', async () => {
    const server = await serve(config, { 'auth-xoauth2': () => deny() });
    for (let round = 0; round < 3; round++) {
      const talk = await server.client();
      assert.match(await talk.say(`AUTH XOAUTH2 ${base64('user=u\x01auth=Bearer t\x01\x01')}`), /^334 /);
      talk.wire.break();
      await talk.over;
    }
    assert.equal(await (await server.client()).say('AUTH XOAUTH2'), LOCKED_OUT);
  });

  it('0 is never', async () => {
    const server = await serve({ ...config, auth_lockout_failures: ['0'] });
    for (let round = 0; round < 30; round++) assert.equal(await (await server.client()).say(WRONG), FAILED);
  });

  it('is not for auth_admin_networks, and loopback is not among them by itself', async () => {
    const server = await serve({ ...config, auth_admin_networks: ['192.0.2.0/24'] });
    for (const ip of ['192.0.2.7', '127.0.0.1']) {
      for (let round = 0; round < 3; round++) await (await server.client(ip)).say(WRONG);
    }
    assert.equal(await (await server.client('192.0.2.7')).say(RIGHT), ADMITTED);
    assert.equal(await (await server.client('127.0.0.1')).say(RIGHT), LOCKED_OUT);
  });
});
