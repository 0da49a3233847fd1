// SCRAM-SHA-256 over a session (RFC 5802, RFC 7677): with the secret of a plugin, with none, and bound to TLS.

import assert from 'node:assert/strict';
import { pbkdf2Sync } from 'node:crypto';
import { describe, it } from 'node:test';
import type { AuthAttempt, HookTable, ScramSecret } from '../../src/contract/hooks.ts';
import type { ChannelBinding, TlsFacts } from '../../src/contract/tls.ts';
import { answer, declined, deny, denySoft, disconnect, ok } from '../../src/contract/verdict.ts';
import { hmac, scramSecretOf, sha256 } from '../../src/protocol/scram-secret.ts';
import { begin, type Talk } from './support.ts';

const salt = Buffer.from('0123456789abcdef');
const secret = scramSecretOf('pencil', { salt, iterations: 4096 });
const knowsUser: HookTable = {
  'auth-scram-sha-256': (_at, { user }) => (user === 'user' ? answer(secret) : declined),
};
const ADMITTED = '235 2.7.0 you are logged in';
const FAILED = '535 5.7.8 login failed';

const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64');
const textOf = (reply: string) => Buffer.from(reply.replace(/^334 /, ''), 'base64').toString();

function tlsWith(bindings: Partial<Record<ChannelBinding, Buffer>>): TlsFacts {
  return {
    protocol: 'TLSv1.3',
    cipher: 'TLS_AES_256_GCM_SHA384',
    serverName: null,
    isResumed: false,
    clientCertificate: null,
    channelBinding: (type) => bindings[type] ?? null,
  };
}

async function greet(hooks: HookTable, tls: TlsFacts | null = null): Promise<Talk> {
  const talk = await begin({ plugins: { actor: hooks } });
  talk.session.connection.tls = tls;
  await talk.say('EHLO client.example');
  return talk;
}

interface ClientPart {
  readonly mechanism?: string;
  readonly header?: string;
  readonly binding?: Buffer;
  readonly user?: string;
  readonly password?: string;
}

/** A client that does all as RFC 5802 has it. Gives the server's messages, the last of them a reply. */
async function logIn(talk: Talk, part: ClientPart = {}): Promise<readonly string[]> {
  const { mechanism = 'SCRAM-SHA-256', header = 'n,,', binding = Buffer.alloc(0) } = part;
  const bare = `n=${part.user ?? 'user'},r=clientnonce`;
  const begun = await talk.say(`AUTH ${mechanism} ${base64(header + bare)}`);
  if (!begun.startsWith('334 ')) return [begun];
  const serverFirst = textOf(begun);
  const [, nonce, itsSalt = '', iterations] = /^r=(.*),s=(.*),i=(.*)$/.exec(serverFirst) ?? [];
  const withoutProof = `c=${base64(Buffer.concat([Buffer.from(header), binding]))},r=${nonce}`;
  const password = part.password ?? 'pencil';
  const salted = pbkdf2Sync(password, Buffer.from(itsSalt, 'base64'), Number(iterations), 32, 'sha256');
  const clientKey = hmac(salted, 'Client Key');
  const spoken = `${bare},${serverFirst},${withoutProof}`;
  const signature = hmac(sha256(clientKey), spoken);
  const proof = Buffer.from(clientKey.map((octet, at) => octet ^ (signature[at] ?? 0)));
  const ended = await talk.say(base64(`${withoutProof},p=${base64(proof)}`));
  if (!ended.startsWith('334 ')) return [serverFirst, ended];
  assert.equal(textOf(ended), `v=${base64(hmac(hmac(salted, 'Server Key'), spoken))}`);
  return [serverFirst, textOf(ended), await talk.say('')];
}

describe('SCRAM-SHA-256', () => {
  it('logs in who knows the password, and proves that the server knows its secret', async () => {
    const talk = await greet(knowsUser);
    const [serverFirst, , reply] = await logIn(talk);
    assert.match(
      serverFirst ?? '',
      /^r=clientnonce[\x21-\x2b\x2d-\x7e]{24},s=MDEyMzQ1Njc4OWFiY2RlZg==,i=4096$/,
    );
    assert.equal(reply, ADMITTED);
    const { authentication, relayClient } = talk.session.connection;
    assert.deepEqual(authentication, { mechanism: 'scram-sha-256', user: 'user', passed: true });
    assert.equal(relayClient, true);
  });

  it('refuses who does not', async () => {
    const talk = await greet(knowsUser);
    assert.equal((await logIn(talk, { password: 'pen' })).at(-1), FAILED);
    assert.deepEqual(talk.session.connection.authentication?.passed, false);
    assert.equal(talk.session.connection.relayClient, false);
  });

  it('has a new nonce each time', async () => {
    const talk = await greet(knowsUser);
    const [one] = await logIn(talk, { password: 'a' });
    const [other] = await logIn(talk, { password: 'b' });
    assert.notEqual(one, other);
  });

  it('goes for an unknown user as for a known one whose password is wrong', async () => {
    const talk = await greet(knowsUser);
    const known = await logIn(talk, { password: 'wrong' });
    const unknown = await logIn(talk, { user: 'nobody' });
    const saltOf = (messages: readonly string[]) => /s=(.*),i/.exec(messages[0] ?? '')?.[1];
    const shape = (messages: readonly string[]) =>
      messages.map((text) => text.replace(/r=clientnonce[^,]{24}/, 'r').replace(/s=[^,]{24},/, 's,'));
    assert.deepEqual(shape(unknown), shape(known));
    assert.equal(unknown.at(-1), FAILED);
    assert.notEqual(saltOf(unknown), saltOf(known));
  });

  it('has one salt for an unknown user, as a known one has', async () => {
    const talk = await greet(knowsUser);
    const saltOf = async (user: string) => /s=(.*),i/.exec((await logIn(talk, { user }))[0] ?? '')?.[1];
    const [first, second] = [await saltOf('nobody'), await saltOf('nobody')];
    assert.equal(first, second);
    assert.ok(first);
  });

  it('asks auth when no plugin has a secret; its OK lets nobody in', async () => {
    const attempts: AuthAttempt[] = [];
    const talk = await greet({
      ...knowsUser,
      auth: (_at, attempt) => {
        attempts.push(attempt);
        return ok();
      },
    });
    assert.equal((await logIn(talk, { user: 'nobody' })).at(-1), FAILED);
    const nothing = { password: null, challenge: null, digest: null, token: null };
    assert.deepEqual(attempts, [{ ...nothing, mechanism: 'SCRAM-SHA-256', user: 'nobody' }]);
    assert.equal(talk.session.connection.relayClient, false);
  });

  it('does not ask auth when a plugin has one', async () => {
    const talk = await greet({ ...knowsUser, auth: () => assert.fail('asked') });
    assert.equal((await logIn(talk, { password: 'wrong' })).at(-1), FAILED);
    assert.equal((await logIn(talk)).at(-1), ADMITTED);
  });

  it('hears of a DENY of its hook as late as of a wrong password', async () => {
    const talk = await greet({ 'auth-scram-sha-256': () => deny('blocked') });
    const messages = await logIn(talk);
    assert.equal(messages.length, 2);
    assert.equal(messages.at(-1), FAILED);
  });

  it('is put off, or the connection closed, when its hook says so', async () => {
    const soft = await greet({ 'auth-scram-sha-256': () => denySoft('no database') });
    assert.deepEqual(await logIn(soft), ['454 4.7.0 no database']);
    const hard = await greet({ 'auth-scram-sha-256': () => disconnect(deny()) });
    assert.deepEqual(await logIn(hard), [FAILED]);
    assert.ok(hard.isClosed);
  });

  it('is not there with a secret that is none: 451, and nobody is in', async () => {
    const broken: ScramSecret = { ...secret, storedKey: Buffer.alloc(0) };
    const talk = await greet({ 'auth-scram-sha-256': () => answer(broken) });
    assert.match((await logIn(talk)).at(-1) ?? '', /^451 4\.3\.0 /);
    assert.equal(talk.session.connection.authentication, null);
    assert.equal(await talk.say('NOOP'), '250 2.0.0 ok');
  });

  it('is not over before the client has taken the last message', async () => {
    const talk = await greet(knowsUser);
    const begun = textOf(await talk.say(`AUTH SCRAM-SHA-256 ${base64('n,,n=user,r=abc')}`));
    assert.match(begun, /^r=abc/);
    assert.match(await talk.say('*'), /^501 5\.7\.0 /);
    assert.match(
      await talk.say(`AUTH SCRAM-SHA-256 ${base64('n,,n=user,r=abc')}`, base64('c=biws')),
      /\n501 5\.5\.2 /,
    );
    assert.equal(talk.session.connection.authentication, null);
  });
});

describe('SCRAM-SHA-256-PLUS', () => {
  const EXPORTED = Buffer.alloc(32, 1);
  const CERTIFICATE = Buffer.alloc(32, 2);
  const tls = tlsWith({ 'tls-exporter': EXPORTED, 'tls-server-end-point': CERTIFICATE });
  const plus = { mechanism: 'SCRAM-SHA-256-PLUS' };

  it('is offered under TLS only, and when the connection has data to bind to', async () => {
    const offers: readonly (readonly [tls: TlsFacts | null, offered: boolean])[] = [
      [null, false],
      [tlsWith({}), false],
      [tlsWith({ 'tls-exporter': EXPORTED }), true],
      [tlsWith({ 'tls-server-end-point': CERTIFICATE }), true],
    ];
    for (const [facts, offered] of offers) {
      const talk = await greet(knowsUser, facts);
      assert.equal((await talk.say('EHLO c.example')).includes('SCRAM-SHA-256-PLUS'), offered);
      if (!offered) assert.match(await talk.say('AUTH SCRAM-SHA-256-PLUS'), /^504 /);
    }
  });

  for (const [kind, binding] of [
    ['tls-exporter', EXPORTED],
    ['tls-server-end-point', CERTIFICATE],
  ] as const) {
    it(`logs in with ${kind}`, async () => {
      const talk = await greet(knowsUser, tls);
      assert.equal((await logIn(talk, { ...plus, header: `p=${kind},,`, binding })).at(-1), ADMITTED);
    });
  }

  it('refuses other data: somebody sits between client and server', async () => {
    const talk = await greet(knowsUser, tls);
    const binding = Buffer.alloc(32, 9);
    assert.equal((await logIn(talk, { ...plus, header: 'p=tls-exporter,,', binding })).at(-1), FAILED);
  });

  it('refuses a kind that is unknown, or cannot be had', async () => {
    const talk = await greet(knowsUser, tls);
    for (const kind of ['tls-unique', 'toString']) {
      assert.deepEqual(await logIn(talk, { ...plus, header: `p=${kind},,` }), [FAILED]);
    }
  });

  it('notices that its offer was taken away on the way (RFC 5802 section 6)', async () => {
    const talk = await greet(knowsUser, tls);
    assert.deepEqual(await logIn(talk, { header: 'y,,' }), [FAILED]);
    assert.equal((await logIn(talk, { header: 'n,,' })).at(-1), ADMITTED);
  });

  it('was never offered without TLS: y is then as good as n', async () => {
    const talk = await greet(knowsUser);
    assert.equal((await logIn(talk, { header: 'y,,' })).at(-1), ADMITTED);
  });
});
