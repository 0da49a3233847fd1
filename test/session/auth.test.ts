// AUTH (RFC 4954) with plugins that look at what they are given: what reaches them, what reaches client and log, and
// how a client may leave in the middle.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AuthAttempt, HookTable } from '../../src/contract/hooks.ts';
import {
  answer,
  declined,
  deny,
  denySoft,
  disconnect,
  done,
  ok,
  type Verdict,
} from '../../src/contract/verdict.ts';
import { begin, MESSAGE, type Talk } from './support.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const GOOD = `AUTH PLAIN ${base64('\0user\0secret')}`;
const FAILED = '535 5.7.8 login failed';
const ADMITTED = '235 2.7.0 you are logged in';
const CLOSED = '421 4.7.0 too many failed logins';

/** A session behind EHLO whose plugin `actor` has these handlers. */
async function greet(hooks: HookTable, config: Record<string, readonly string[]> = {}): Promise<Talk> {
  const talk = await begin({ plugins: { actor: hooks }, config });
  await talk.say('EHLO client.example');
  return talk;
}

/** What all logins give, and the attempts that were seen. */
function recorder(verdict: Verdict = ok()) {
  const attempts: AuthAttempt[] = [];
  const record = (_at: unknown, attempt: AuthAttempt) => {
    attempts.push(attempt);
    return verdict;
  };
  return { attempts, record };
}

describe('the offer of AUTH', () => {
  const offers: readonly (readonly [hooks: HookTable, line: string | undefined])[] = [
    [{}, undefined],
    [{ 'auth-plain': () => ok() }, 'AUTH PLAIN'],
    [{ 'auth-login': () => ok(), 'auth-plain': () => ok() }, 'AUTH PLAIN LOGIN'],
    [{ auth: () => deny() }, 'AUTH PLAIN LOGIN CRAM-MD5'],
    [{ 'auth-scram-sha-256': () => declined }, 'AUTH SCRAM-SHA-256'],
    [
      { auth: () => deny(), 'auth-xoauth2': () => ok(), 'auth-oauthbearer': () => ok() },
      'AUTH PLAIN LOGIN CRAM-MD5 OAUTHBEARER XOAUTH2',
    ],
  ];
  for (const [hooks, line] of offers) {
    it(`with ${Object.keys(hooks).join(', ') || 'no hook'}: ${line ?? 'none'}`, async () => {
      const talk = await begin({ plugins: { actor: hooks } });
      assert.equal(/^250[ -](AUTH.*)$/m.exec(await talk.say('EHLO c.example'))?.[1], line);
    });
  }

  it('comes before the command: until then, and after HELO, AUTH is unknown', async () => {
    const heard: (readonly string[])[] = [];
    const talk = await begin({
      plugins: {
        actor: {
          'auth-plain': () => ok(),
          unrecognized_command: (_at, ...words) => {
            heard.push(words);
            return declined;
          },
        },
      },
    });
    const unknown = '500 5.5.1 command is unknown';
    assert.equal(await talk.say(GOOD), unknown);
    await talk.say('HELO c.example');
    assert.equal(await talk.say(GOOD), unknown);
    await talk.say('EHLO c.example', 'HELO c.example');
    assert.equal(await talk.say(GOOD), unknown);
    // Whoever counts or logs unknown commands gets no credentials.
    assert.deepEqual(heard, [
      ['auth', ''],
      ['auth', ''],
      ['auth', ''],
    ]);
    await talk.say('EHLO c.example');
    assert.equal(await talk.say(GOOD), ADMITTED);
  });
});

describe('what plugins are asked', () => {
  it('is the hook of the mechanism, and auth when that declines', async () => {
    const seen: string[] = [];
    const hook = (name: string) => (_at: unknown, attempt: AuthAttempt) => {
      seen.push(`${name} ${attempt.mechanism} ${attempt.user} ${attempt.password}`);
      return declined;
    };
    const talk = await greet({
      'auth-plain': hook('auth-plain'),
      'auth-login': hook('auth-login'),
      auth: hook('auth'),
    });
    assert.equal(await talk.say(GOOD), FAILED);
    assert.equal(await talk.say('AUTH login dXNlcg==', 'c2VjcmV0'), `334 UGFzc3dvcmQ6\n${FAILED}`);
    assert.deepEqual(seen, [
      'auth-plain PLAIN user secret',
      'auth PLAIN user secret',
      'auth-login LOGIN user secret',
      'auth LOGIN user secret',
    ]);
  });

  it('is not auth when the hook of the mechanism has answered', async () => {
    for (const [verdict, reply] of [
      [ok(), ADMITTED],
      [deny(), FAILED],
    ] as const) {
      const { attempts, record } = recorder();
      const talk = await greet({ 'auth-plain': () => verdict, auth: record });
      assert.equal(await talk.say(GOOD), reply);
      assert.equal(attempts.length, 0);
    }
  });

  it('is nothing where nobody could log in with it', async () => {
    const { attempts, record } = recorder();
    const talk = await greet({ auth: record }, { max_login_failures: ['100'] });
    const refused = [
      '\0\0',
      '\0u\0',
      '\0\0p',
      'other\0u\0p',
      '\0u\r\nX\0p',
      '\0u\0p\r\nX',
      '\0u\n\0p',
      '\0u\0p\r',
    ];
    for (const message of refused) {
      assert.equal(await talk.say(`AUTH PLAIN ${base64(message)}`), FAILED, JSON.stringify(message));
    }
    for (const message of ['', 'u', 'u\0p', '\0u\0p\0q', '\0u\0\0']) {
      const reply = await talk.say(`AUTH PLAIN ${message === '' ? '=' : base64(message)}`);
      assert.equal(reply, '501 5.5.2 that is not what PLAIN asks for', JSON.stringify(message));
    }
    // Not UTF-8.
    assert.equal(await talk.say('AUTH PLAIN AP8AcA=='), FAILED);
    assert.equal(attempts.length, 0);
  });

  it('is what the client has said, in UTF-8', async () => {
    const { attempts, record } = recorder();
    const talk = await greet({ auth: record });
    await talk.say(`AUTH PLAIN ${base64('ü@x\0ü@x\0 \u{1f511} ')}`);
    assert.deepEqual(attempts, [
      {
        mechanism: 'PLAIN',
        user: 'ü@x',
        password: ' \u{1f511} ',
        challenge: null,
        digest: null,
        token: null,
      },
    ]);
  });

  it('has a new challenge for each CRAM-MD5', async () => {
    const { attempts, record } = recorder(deny());
    const talk = await greet({ 'auth-cram-md5': record });
    for (let round = 0; round < 2; round++) {
      const challenge = Buffer.from((await talk.say('AUTH CRAM-MD5')).slice(4), 'base64').toString();
      assert.match(challenge, /^<[0-9a-f]{24}\.\d{10}@mx\.example>$/);
      await talk.say(base64(`u ${'0'.repeat(32)}`));
      assert.equal(attempts[round]?.challenge, challenge);
    }
    assert.notEqual(attempts[0]?.challenge, attempts[1]?.challenge);
  });

  it('may be how the argument reads', async () => {
    const { attempts, record } = recorder();
    const talk = await greet({
      auth: record,
      auth_parse: (_at, argument) =>
        argument === 'odd' ? answer({ mechanism: 'plain', initialResponse: base64('\0u\0p') }) : deny('no'),
    });
    assert.equal(await talk.say('AUTH other'), '501 5.5.4 no');
    assert.equal(await talk.say('AUTH odd'), ADMITTED);
    assert.equal(attempts[0]?.password, 'p');
  });
});

describe('what a verdict leads to', () => {
  const cases: readonly (readonly [verdict: Verdict, reply: string, closes: boolean])[] = [
    [ok(), ADMITTED, false],
    [ok('welcome user'), ADMITTED, false],
    [deny(), FAILED, false],
    // The same words for every failure: nobody learns which names there are.
    [deny('no such user'), FAILED, false],
    [denySoft(), '454 4.7.0 login is not possible now, try again later', false],
    [denySoft('the directory is down'), '454 4.7.0 the directory is down', false],
    [denySoft('user is busy'), '454 4.7.0 login is not possible now, try again later', false],
    [
      done({ code: 432, status: '4.7.12', lines: ['change your password'] }),
      '432 4.7.12 change your password',
      false,
    ],
    [done(), FAILED, false],
  ];
  for (const [verdict, reply, closes] of cases) {
    it(`${verdict.code} ${verdict.text.join()}: ${reply}`, async () => {
      const talk = await greet({ 'auth-plain': () => verdict });
      assert.equal(await talk.say(GOOD), reply);
      assert.equal(talk.isClosed, closes);
      assert.equal(talk.session.connection.relayClient, verdict.code === 'OK');
    });
  }

  it('the connection may end with it', async () => {
    const hard = await greet({ 'auth-plain': () => disconnect(deny('go away')) });
    assert.equal(await hard.say(GOOD), '535 5.7.8 go away');
    assert.ok(hard.isClosed);
    const soft = await greet({ 'auth-plain': () => disconnect(denySoft()) });
    assert.equal(await soft.say(GOOD), '421 4.7.0 login is not possible now, try again later');
    assert.ok(soft.isClosed);
  });

  it('a plugin that fails lets nobody in', async () => {
    const talk = await greet({
      'auth-plain': () => {
        throw new Error('broken');
      },
    });
    assert.equal(await talk.say(GOOD), FAILED);
    assert.equal(talk.session.connection.authentication?.passed, false);
  });

  it('a login is known to all that follows, and comes once', async () => {
    const headers: string[] = [];
    const talk = await greet({
      'auth-plain': () => ok(),
      data_post: ({ transaction }) => {
        headers.push(
          ...['Received', 'Authentication-Results'].map((name) => transaction.header.get(name) ?? ''),
        );
        return declined;
      },
    });
    await talk.say(GOOD);
    const { authentication, relayClient } = talk.session.connection;
    assert.deepEqual(authentication, { mechanism: 'plain', user: 'user', passed: true });
    assert.equal(relayClient, true);
    assert.equal(await talk.say(GOOD), '503 5.5.1 you are logged in already');
    await talk.openData();
    await talk.send(MESSAGE);
    // RFC 3848, RFC 8601 section 2.7.4. The name is in the second field only, as in qpsmtpd.
    assert.match(headers[0] ?? '', / with ESMTPA;/);
    assert.doesNotMatch(headers[0] ?? '', /user/);
    assert.match(headers[1] ?? '', /auth=pass \(plain\) smtp\.auth=user/);
  });

  it('a login that failed is known too', async () => {
    const results: string[] = [];
    const talk = await greet({
      'auth-plain': () => deny(),
      data_post: ({ transaction }) => {
        results.push(transaction.header.get('Authentication-Results') ?? '');
        return declined;
      },
    });
    await talk.say(`AUTH PLAIN ${base64('\0a (b) c\x1b;\0p')}`);
    await talk.openData();
    await talk.send(MESSAGE);
    assert.match(results[0] ?? '', /auth=fail \(plain\) smtp\.auth=a\?\?b\?\?c\?\?/);
  });

  it('TLS and a new client are told nothing of a login before them (RFC 3207 section 4.2)', async () => {
    const talk = await greet({ 'auth-plain': () => ok() });
    await talk.say(GOOD);
    await talk.session.forgetClient();
    const { authentication, relayClient } = talk.session.connection;
    assert.deepEqual([authentication, relayClient], [null, false]);
    assert.equal(await talk.say(GOOD), '500 5.5.1 command is unknown');
  });

  it('a client that might relay before its login may do so after that is forgotten', async () => {
    const talk = await greet({ 'auth-plain': () => ok() });
    talk.session.connection.relayClient = true;
    await talk.say(GOOD);
    await talk.session.forgetClient();
    assert.equal(talk.session.connection.relayClient, true);
  });
});

describe('an exchange', () => {
  it('is broken off by the client with * (RFC 4954 section 4)', async () => {
    const { attempts, record } = recorder();
    const talk = await greet({ auth: record, 'auth-xoauth2': record, 'auth-scram-sha-256': () => declined });
    for (const lines of [
      ['AUTH PLAIN'],
      ['AUTH LOGIN'],
      ['AUTH LOGIN', 'dXNlcg=='],
      ['AUTH CRAM-MD5'],
      ['AUTH XOAUTH2'],
      ['AUTH SCRAM-SHA-256'],
    ]) {
      assert.match(await talk.say(...lines, '*', 'NOOP'), /\n501 5\.7\.0 [^\n]+\n250 [^\n]+$/, lines.join());
    }
    assert.equal(attempts.length, 0);
    assert.equal(talk.session.connection.authentication, null);
  });

  it('ends with a line that is not base64', async () => {
    const talk = await greet({ auth: () => ok() });
    const wrong = '501 5.5.2 that is not base64';
    assert.equal(await talk.say('AUTH PLAIN !'), wrong);
    for (const line of ['!', 'AA', '=', 'AHUAcA== ', '*a']) {
      assert.equal(await talk.say('AUTH PLAIN', line), `334 \n${wrong}`, line);
    }
    assert.equal(await talk.say('AUTH LOGIN', 'dXNlcg', 'NOOP'), `334 VXNlcm5hbWU6\n${wrong}\n250 2.0.0 ok`);
  });

  it('has lines of up to 12288 octets, and 500 5.5.6 for longer ones (RFC 4954 section 4)', async () => {
    const { attempts, record } = recorder();
    const talk = await greet({ auth: record });
    // 12288 octets with CRLF; base64 comes in fours, so two are left.
    const longest = '\0u\0'.padEnd((12_284 / 4) * 3, 'p');
    assert.equal(base64(longest).length, 12_284);
    assert.equal(
      await talk.say('AUTH PLAIN', base64(`${longest}ppp`), 'NOOP'),
      '334 \n500 5.5.6 line is too long\n250 2.0.0 ok',
    );
    assert.equal(
      await talk.say('AUTH PLAIN', 'A'.repeat(65_536), 'NOOP'),
      '334 \n500 5.5.6 line is too long\n250 2.0.0 ok',
    );
    assert.equal(await talk.say('AUTH PLAIN', base64(longest)), `334 \n${ADMITTED}`);
    assert.equal(attempts[0]?.password?.length, longest.length - 3);
  });

  it('takes a long response with the command, where other commands may not be so long', async () => {
    const talk = await greet({
      'auth-xoauth2': (_at, { token }) => (token?.length === 4000 ? ok() : deny()),
    });
    const message = `user=u\x01auth=Bearer ${'t'.repeat(4000)}\x01\x01`;
    assert.equal(await talk.say(`NOOP ${'x'.repeat(3000)}`), '500 5.5.2 command line is too long');
    assert.equal(await talk.say(`AUTH XOAUTH2 ${base64(message)}`), ADMITTED);
  });

  it('ends the session with 421 when nothing comes', async () => {
    const talk = await greet({ auth: () => ok() });
    await talk.say('AUTH LOGIN');
    talk.wire.expire();
    assert.match(await talk.replies(), /^421 4\.4\.2 /);
    await talk.over;
    assert.equal(talk.session.ended, 'timeout');
  });

  for (const how of ['finish', 'break'] as const) {
    it(`ends with a client that is gone (${how})`, async () => {
      const { attempts, record } = recorder();
      const talk = await greet({ auth: record });
      await talk.say('AUTH LOGIN', 'dXNlcg==');
      talk.wire[how]();
      await talk.over;
      assert.equal(talk.session.ended, 'lost');
      assert.equal(attempts.length, 0);
    });
  }

  it('is no place for commands: what follows is a response', async () => {
    const talk = await greet({ auth: () => ok() });
    assert.equal(
      await talk.say('AUTH LOGIN', 'QUIT', '*'),
      '334 VXNlcm5hbWU6\n334 UGFzc3dvcmQ6\n501 5.7.0 AUTH is broken off, as you wish',
    );
    assert.ok(!talk.isClosed);
  });

  it('takes lines that come in pieces, and those that came together', async () => {
    const talk = await greet({ auth: () => ok() });
    for (const piece of ['AUTH LO', 'GIN\r', '\ndXNl', 'cg==\r\nc2Vj']) await talk.send(piece);
    assert.equal(await talk.send('cmV0\r\nNOOP\r\n'), `${ADMITTED}\n250 2.0.0 ok`);
  });
});

describe('bearer tokens', () => {
  const message = {
    XOAUTH2: 'user=u\x01auth=Bearer t\x01\x01',
    OAUTHBEARER: 'n,a=u,\x01auth=Bearer t\x01\x01',
  };
  const failure = {
    XOAUTH2: '{"status":"401","schemes":"bearer","scope":""}',
    OAUTHBEARER: '{"status":"invalid_token","schemes":"bearer","scope":""}',
  };
  for (const mechanism of ['XOAUTH2', 'OAUTHBEARER'] as const) {
    const line = `AUTH ${mechanism} ${base64(message[mechanism])}`;
    const hook = `auth-${mechanism.toLowerCase()}` as const;

    it(`${mechanism} logs in`, async () => {
      const { attempts, record } = recorder();
      const talk = await greet({ [hook]: record });
      assert.equal(await talk.say(line), ADMITTED);
      const [{ user, token } = {}] = attempts;
      assert.deepEqual([user, token], ['u', 't']);
    });

    it(`${mechanism} says why it fails, and fails after the last word of the client`, async () => {
      const talk = await greet({ [hook]: () => deny() });
      for (const last of ['', 'AQ==', '*', 'what?']) {
        if (talk.isClosed) break;
        const challenge = await talk.say(line);
        assert.equal(Buffer.from(challenge.slice(4), 'base64').toString(), failure[mechanism]);
        assert.match(await talk.say(last), /^535 5\.7\.8 /);
      }
    });

    it(`${mechanism} that can be checked later is put off`, async () => {
      const talk = await greet({ [hook]: () => denySoft() });
      assert.match(await talk.say(line), /^454 4\.7\.0 /);
    });
  }
});

describe('AUTH is refused', () => {
  it('for a mechanism that is not offered, with 504', async () => {
    const talk = await greet({ 'auth-plain': () => ok() });
    for (const name of ['LOGIN', 'SCRAM-SHA-256-PLUS', 'XYZZY']) {
      assert.equal(await talk.say(`AUTH ${name}`), '504 5.5.4 mechanism is not offered here');
    }
  });

  it('for what is no argument, with 501', async () => {
    const talk = await greet({ 'auth-plain': () => ok() });
    for (const line of ['AUTH', 'AUTH  ', 'AUTH PLAIN a b', 'AUTH PL/AIN', `AUTH ${'A'.repeat(21)}`]) {
      assert.match(await talk.say(line), /^501 5\.5\.4 Syntax/, line);
    }
  });

  it('with an initial response where the server begins, with 501 5.7.0', async () => {
    const talk = await greet({ 'auth-cram-md5': () => ok() });
    assert.match(await talk.say('AUTH CRAM-MD5 AAAA'), /^501 5\.7\.0 /);
  });

  it('within a transaction, with 503', async () => {
    const talk = await greet({ 'auth-plain': () => ok() });
    await talk.say('MAIL FROM:<a@a.example>');
    assert.match(await talk.say(GOOD), /^503 5\.5\.1 /);
    await talk.say('RSET');
    assert.equal(await talk.say(GOOD), ADMITTED);
  });

  it('without TLS where tls_before_auth asks for it, with 538, and not offered', async () => {
    const talk = await begin({
      plugins: { actor: { auth: () => ok() } },
      config: { tls_before_auth: ['1'] },
    });
    assert.doesNotMatch(await talk.say('EHLO c.example'), /AUTH/);
    assert.match(await talk.say(GOOD), /^538 5\.7\.11 /);
    assert.equal(talk.session.connection.authentication, null);
    talk.session.connection.tls = {
      protocol: 'TLSv1.3',
      cipher: 'x',
      serverName: null,
      isResumed: false,
      clientCertificate: null,
      channelBinding: () => null,
    };
    assert.match(await talk.say('EHLO c.example'), /AUTH PLAIN/);
    assert.equal(await talk.say(GOOD), ADMITTED);
  });

  it('after max_login_failures, for good: the connection is closed', async () => {
    const talk = await greet({ 'auth-plain': () => deny() }, { max_login_failures: ['2'] });
    assert.equal(await talk.say(GOOD), FAILED);
    assert.equal(await talk.say(GOOD, 'NOOP'), `${FAILED}\n${CLOSED}`);
    assert.ok(talk.isClosed);
  });
});

describe('secrets and strange names', () => {
  it('get neither into the log nor into commandLine', async () => {
    const lines: string[] = [];
    const talk = await greet(
      {
        auth: ({ connection }) => {
          lines.push(connection.commandLine);
          return deny();
        },
      },
      { max_login_failures: ['100'] },
    );
    const secret = 'c2VjcmV0';
    await talk.say(`AUTH PLAIN ${base64('\0user\0secret')}`);
    await talk.say('AUTH PLAIN', base64('\0user\0secret'));
    await talk.say('AUTH LOGIN', 'dXNlcg==', secret);
    await talk.say('AUTH LOGIN', 'dXNlcg==', `${secret}!`);
    await talk.say(`AUTH\tPLAIN ${secret}`, ` AUTH PLAIN ${secret}`, `auth ${secret} ${secret} ${secret}`);
    const log = talk.stage.takeLog().join('\n');
    assert.match(log, /fail, login by PLAIN as "user" from 192\.0\.2\.1/);
    for (const text of ['secret', secret, base64('\0user\0secret').slice(8, 20)]) {
      assert.ok(!log.includes(text), text);
    }
    assert.deepEqual(new Set(lines), new Set(['AUTH <hidden credentials>']));
  });

  it('reach the log escaped and short, and never a reply', async () => {
    const talk = await greet(
      { auth: (_at, { user }) => deny(`no ${user}`) },
      { max_login_failures: ['100'] },
    );
    for (const user of ['a\x1b[2J"\x07ü', 'x'.repeat(9000), '235 2.7.0 ok', 'line\r\nbreak']) {
      talk.stage.takeLog();
      assert.equal(await talk.say('AUTH PLAIN', base64(`\0${user}\0p`)), `334 \n${FAILED}`);
      for (const line of talk.stage.takeLog()) assert.match(line, /^[\x20-\x7e]{1,9500}$/);
    }
  });

  it('are 64 KiB long in vain', async () => {
    const { attempts, record } = recorder();
    const talk = await greet({ auth: record });
    const long = base64(`\0${'x'.repeat(65_536)}\0p`);
    assert.match(await talk.say(`AUTH PLAIN ${long}`), /^500 5\.5\.2 /);
    assert.match(await talk.say('AUTH LOGIN', long), /\n500 5\.5\.6 /);
    assert.equal(attempts.length, 0);
  });
});
