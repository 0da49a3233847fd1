// The SMTP client and TLS: whom it believes, what it does without, and what may not be had in clear.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClientSettings } from '../../src/net/outgoing-message.ts';
import { makeCertificate } from '../support/certificates.ts';
import { type Behaviour, type ScriptedPeer, startScriptedServer } from '../support/scripted-server.ts';
import { codes, mail, open, settings } from './outgoing.ts';

const ca = makeCertificate('ca.example', { isCa: true });
const good = makeCertificate('mx.b.example', { issuer: ca });
const strange = makeCertificate('mx.b.example');

interface Outcome {
  /** commands of each connection */
  readonly commands: readonly (readonly string[])[];
  readonly warnings: readonly string[];
  readonly codes: readonly number[] | null;
  readonly error: string | null;
}

type Script = (peer: ScriptedPeer, nth: number) => Promise<void>;

async function deliver(
  script: Script,
  more: Partial<ClientSettings>,
  given: Parameters<typeof mail>[0] = {},
): Promise<Outcome> {
  const peers: ScriptedPeer[] = [];
  const warnings: string[] = [];
  const server = await startScriptedServer((peer, nth) => {
    peers.push(peer);
    return script(peer, nth);
  });
  const warn = (text: string) => void warnings.push(text);
  const tlsOptions = { host: 'mx.b.example', servername: 'mx.b.example', ca: [ca.cert] };
  const done = (result: Partial<Outcome>): Outcome => ({
    commands: peers.map(({ commands }) => commands),
    warnings,
    codes: null,
    error: null,
    ...result,
  });
  try {
    const client = await open(settings(server, { tlsOptions, warn, ...more }));
    const { answers } = await client.deliver(mail(given));
    await client.quit();
    return done({ codes: codes(answers) });
  } catch (error) {
    return done({ error: error instanceof Error ? error.message : String(error) });
  }
}

/** STARTTLS, then a server that obeys. */
function startTls(certificate: typeof good, behaviour: Behaviour = {}): Script {
  return async (peer) => {
    peer.say('220 scripted.example');
    await peer.line();
    peer.say('250-scripted.example', '250-X-CLEAR', '250 STARTTLS');
    const line = await peer.line();
    if (line !== 'STARTTLS') {
      peer.say('250 ok');
      return peer.obey({ isGreeted: true });
    }
    peer.say('220 go on');
    await peer.startTls({ cert: certificate.cert, key: certificate.key });
    return peer.obey({ ...behaviour, isGreeted: true });
  };
}

const inClear: Script = (peer) => peer.obey();

const envelope = ['MAIL FROM:<sender@a.example>', 'RCPT TO:<user@b.example>', 'DATA', 'QUIT'];

describe('tls require', () => {
  test('goes under TLS, greets again, and forgets what was offered in clear', async () => {
    const offers = ['SIZE', 'PIPELINING'];
    const {
      commands,
      codes: answers,
      warnings,
    } = await deliver(startTls(good, { offers }), { tls: 'require' });
    assert.deepEqual(answers, [250]);
    assert.deepEqual(commands[0]?.slice(0, 3), ['EHLO me.example', 'STARTTLS', 'EHLO me.example']);
    assert.match(commands[0]?.[3] ?? '', / SIZE=\d+$/);
    assert.deepEqual(warnings, []);
  });

  test('sends nothing to a server that cannot prove who it is', async () => {
    const { error, commands } = await deliver(startTls(strange), { tls: 'require' });
    assert.match(error ?? '', /^STARTTLS: self-signed certificate/);
    assert.deepEqual(commands, [['EHLO me.example', 'STARTTLS']]);
  });

  test('sends nothing to a server with another name', async () => {
    const tlsOptions = { host: 'other.example', servername: 'other.example', ca: [ca.cert] };
    const { error } = await deliver(startTls(good), { tls: 'require', tlsOptions });
    assert.match(error ?? '', /^STARTTLS: Hostname\/IP does not match/);
  });

  test('without looking at the certificate takes any', async () => {
    const tlsOptions = { host: 'mx.b.example', rejectUnauthorized: false };
    const { codes: answers } = await deliver(startTls(strange), { tls: 'require', tlsOptions });
    assert.deepEqual(answers, [250]);
  });

  test('sends nothing where it is not offered, refused, or fails', async () => {
    const refused = (peer: ScriptedPeer) =>
      peer.obey({ offers: ['STARTTLS'], replies: { STARTTLS: '454 4.7.0 not now' } });
    const broken = (peer: ScriptedPeer) =>
      peer.obey({ offers: ['STARTTLS'], replies: { STARTTLS: '220 go on' } });
    assert.match(
      (await deliver(inClear, { tls: 'require' })).error ?? '',
      /^TLS is required: .* not offer STARTTLS/,
    );
    assert.match((await deliver(refused, { tls: 'require' })).error ?? '', /^STARTTLS: 454 4\.7\.0 not now/);
    const { error } = await deliver(broken, { tls: 'require', connectMs: 200 });
    assert.match(error ?? '', /^STARTTLS: /);
  });

  test('believes nothing that came in clear behind the 220', async () => {
    for (const injected of ['250 forged', '250-for']) {
      const script: Script = async (peer) => {
        peer.say('220 scripted.example');
        await peer.line();
        peer.say('250-scripted.example', '250 STARTTLS');
        await peer.line();
        peer.write(`220 go on\r\n${injected}\r\n`);
        await peer.startTls({ cert: good.cert, key: good.key });
        await peer.obey({ isGreeted: true });
      };
      const { error } = await deliver(script, { tls: 'require' });
      assert.match(error ?? '', /in clear before TLS|unasked: 250 forged/);
    }
  });
});

describe('tls implicit', () => {
  const script: Script = async (peer) => {
    await peer.startTls({ cert: good.cert, key: good.key });
    await peer.obey({ offers: ['STARTTLS', 'PIPELINING'] });
  };

  test('is there before the greeting', async () => {
    const { codes: answers, commands } = await deliver(script, { tls: 'implicit' });
    assert.deepEqual(answers, [250]);
    assert.deepEqual(commands[0], ['EHLO me.example', ...envelope]);
  });

  test('fails with a server that does not speak it', async () => {
    const { error, commands } = await deliver(inClear, { tls: 'implicit' });
    assert.match(error ?? '', /wrong version number|SSL|packet/i);
    assert.deepEqual(
      commands.flat().filter((line) => line.startsWith('MAIL')),
      [],
    );
  });

  test('is bounded in time', async () => {
    const silent: Script = (peer) => peer.gone();
    const { error } = await deliver(silent, { tls: 'implicit', connectMs: 50 });
    assert.match(error ?? '', /no connection within 0\.05 s/);
  });
});

describe('tls try', () => {
  const tlsOptions = { host: 'mx.b.example', rejectUnauthorized: false };

  test('goes under TLS with whomever', async () => {
    const {
      codes: answers,
      commands,
      warnings,
    } = await deliver(startTls(strange), { tls: 'try', tlsOptions });
    assert.deepEqual(answers, [250]);
    assert.deepEqual(commands[0], ['EHLO me.example', 'STARTTLS', 'EHLO me.example', ...envelope]);
    assert.deepEqual(warnings, []);
  });

  test('goes in clear where it is not offered', async () => {
    const { codes: answers, commands } = await deliver(inClear, { tls: 'try', tlsOptions });
    assert.deepEqual(answers, [250]);
    assert.deepEqual(commands, [['EHLO me.example', ...envelope]]);
  });

  test('goes on in clear where it is refused, and says so', async () => {
    const refused = (peer: ScriptedPeer) =>
      peer.obey({ offers: ['STARTTLS'], replies: { STARTTLS: '454 4.7.0 not now' } });
    const { codes: answers, commands, warnings } = await deliver(refused, { tls: 'try', tlsOptions });
    assert.deepEqual(answers, [250]);
    assert.deepEqual(commands, [['EHLO me.example', 'STARTTLS', ...envelope]]);
    assert.deepEqual(warnings, ['no TLS, going on in clear: 454 4.7.0 not now']);
  });

  test('goes in clear by a new connection where the handshake fails, and says so', async () => {
    const handshake: Script = async (peer, nth) => {
      if (nth > 0) return startTls(good)(peer, nth);
      peer.say('220 scripted.example');
      await peer.line();
      peer.say('250-scripted.example', '250 STARTTLS');
      await peer.line();
      peer.say('220 go on');
      await peer.octets(10);
      peer.write('this is no TLS\r\n');
      await peer.gone();
    };
    const { codes: answers, commands, warnings } = await deliver(handshake, { tls: 'try', tlsOptions });
    assert.deepEqual(answers, [250]);
    assert.deepEqual(commands, [
      ['EHLO me.example', 'STARTTLS'],
      ['EHLO me.example', ...envelope],
    ]);
    assert.match(warnings.join(), /^TLS failed, going on in clear: STARTTLS: /);
  });
});

describe('in clear', () => {
  const login = { user: 'me', password: 'secret' };

  test('a password goes to this machine', async () => {
    const script = (peer: ScriptedPeer) => peer.obey({ offers: ['AUTH PLAIN'], replies: { AUTH: '235 ok' } });
    assert.deepEqual((await deliver(script, { login })).codes, [250]);
  });

  test('under TLS a password goes anywhere', async () => {
    const script = startTls(good, { offers: ['AUTH PLAIN'], replies: { AUTH: '235 ok' } });
    const { commands, codes: answers } = await deliver(script, { login, tls: 'require' });
    assert.deepEqual(answers, [250]);
    assert.match(commands[0]?.[3] ?? '', /^AUTH PLAIN /);
  });
});

describe('REQUIRETLS', () => {
  const given = { params: { REQUIRETLS: true } } as const;
  const offers = ['REQUIRETLS'];

  test('is handed on under TLS to a server that has proved who it is', async () => {
    const { commands, codes: answers } = await deliver(startTls(good, { offers }), { tls: 'require' }, given);
    assert.deepEqual(answers, [250]);
    assert.equal(commands[0]?.[3], 'MAIL FROM:<sender@a.example> REQUIRETLS');
  });

  test('is refused where the server has not, or does not offer it', async () => {
    const tlsOptions = { host: 'mx.b.example', rejectUnauthorized: false };
    const unproved = await deliver(startTls(strange, { offers }), { tls: 'require', tlsOptions }, given);
    assert.deepEqual(unproved.codes, [550]);
    assert.deepEqual((await deliver(startTls(good), { tls: 'require' }, given)).codes, [550]);
  });
});
