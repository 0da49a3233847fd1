// The exchanges with the examples of their RFCs, and with what clients should not send.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  type AttemptExchange,
  cramMd5Exchange,
  loginExchange,
  oauthBearerExchange,
  plainExchange,
  xoauth2Exchange,
} from '../../src/protocol/auth-exchange.ts';

/** Plays the client's part. Gives the challenges and what has come out. */
function play(exchange: AttemptExchange, ...responses: readonly (string | Buffer)[]) {
  const challenges: string[] = [];
  let step = exchange.next();
  for (const response of responses) {
    assert.ok(!step.done, 'the exchange is over already');
    challenges.push(step.value.toString());
    step = exchange.next(Buffer.from(response));
  }
  assert.ok(step.done, 'the exchange goes on');
  return { challenges, outcome: step.value };
}

const nothing = { password: null, challenge: null, digest: null, token: null };
const plain = (text: string | Buffer) => play(plainExchange(Buffer.from(text))).outcome;
const faultOf = (outcome: object) => ('fault' in outcome ? outcome.fault : 'none');

describe('PLAIN', () => {
  it('takes the example of RFC 4616 section 4', () => {
    const expected = { ...nothing, mechanism: 'PLAIN', user: 'tim', password: 'tanstaaftanstaaf' };
    assert.deepEqual(plain('\0tim\0tanstaaftanstaaf'), expected);
    const { challenges, outcome } = play(plainExchange(null), 'tim\0tim\0tanstaaftanstaaf');
    assert.deepEqual(challenges, ['']);
    assert.deepEqual(outcome, expected);
  });

  it('refuses to let one user act for another, as the second example there wants to', () => {
    assert.deepEqual(plain('Ursel\0Kurt\0xipj3plmq'), {
      fault: 'refused',
      why: 'wants to act for another user',
      user: 'Kurt',
    });
  });

  it('keeps blanks, capitals and what is not ASCII', () => {
    const outcome = plain('\0 Ü@Example \0 p ä\t\x1b ');
    assert.deepEqual(outcome, {
      ...nothing,
      mechanism: 'PLAIN',
      user: ' Ü@Example ',
      password: ' p ä\t\x1b ',
    });
  });

  it('takes the password 0', () => assert.equal(faultOf(plain('\0u\x000')), 'none'));

  const cases: readonly (readonly [message: string | Buffer, fault: string])[] = [
    ['', 'malformed'],
    ['u', 'malformed'],
    ['u\0p', 'malformed'],
    ['\0u\0p\0', 'malformed'],
    ['\0u\0p\0more', 'malformed'],
    ['\0\0', 'refused'],
    ['\0u\0', 'refused'],
    ['\0\0p', 'refused'],
    ['\0u\r\n\0p', 'refused'],
    ['\0u\0p\n', 'refused'],
    ['\0u\0\r', 'refused'],
    [Buffer.from([0, 0xff, 0, 0x61]), 'refused'],
  ];
  for (const [message, fault] of cases) {
    it(`${JSON.stringify(message.toString())} is ${fault}`, () => {
      assert.equal(faultOf(plain(message)), fault);
    });
  }

  it('never repeats a password where it says why', () => {
    for (const message of ['\0u\0hunter2\n', '\0u\0hunter2\0', 'x\0u\0hunter2']) {
      assert.doesNotMatch(JSON.stringify(plain(message)), /hunter2/);
    }
  });
});

describe('LOGIN', () => {
  it('asks for name and password', () => {
    const { challenges, outcome } = play(loginExchange(null), 'u', 'p');
    assert.deepEqual(challenges, ['Username:', 'Password:']);
    assert.deepEqual(outcome, { ...nothing, mechanism: 'LOGIN', user: 'u', password: 'p' });
  });

  it('takes the name with the command', () => {
    const { challenges, outcome } = play(loginExchange(Buffer.from('u')), 'p');
    assert.deepEqual(challenges, ['Password:']);
    assert.equal('user' in outcome && outcome.user, 'u');
  });

  it('refuses what nobody can log in with', () => {
    for (const [user, password] of [
      ['', 'p'],
      ['u', ''],
      ['u\0', 'p'],
      ['u', 'p\r'],
      ['u\n', 'p'],
    ] as const) {
      assert.equal(faultOf(play(loginExchange(null), user, password).outcome), 'refused');
    }
    assert.equal(faultOf(play(loginExchange(null), Buffer.from([0xff]), 'p').outcome), 'refused');
  });
});

describe('CRAM-MD5', () => {
  const challenge = '<1896.697170952@postoffice.reston.mci.net>';
  const digest = 'b913a602c7eda7a495b4e6e7334d3890';
  const cram = (response: string) => play(cramMd5Exchange(challenge), response).outcome;

  it('takes the example of RFC 2195 section 2', () => {
    const { challenges, outcome } = play(cramMd5Exchange(challenge), `tim ${digest}`);
    assert.deepEqual(challenges, [challenge]);
    assert.deepEqual(outcome, { ...nothing, mechanism: 'CRAM-MD5', user: 'tim', challenge, digest });
    assert.equal(createHmac('md5', 'tanstaaftanstaaf').update(challenge).digest('hex'), digest);
  });

  it('takes names with blanks, and digests in capitals', () => {
    const outcome = cram(`a b ${digest.toUpperCase()}`);
    assert.deepEqual(outcome, { ...nothing, mechanism: 'CRAM-MD5', user: 'a b', challenge, digest });
  });

  const cases: readonly (readonly [response: string, fault: string])[] = [
    ['', 'malformed'],
    ['tim', 'malformed'],
    [`tim ${digest}0`, 'malformed'],
    [`tim ${digest} `, 'malformed'],
    [digest, 'malformed'],
    [` ${digest}`, 'refused'],
    [`ti\0m ${digest}`, 'refused'],
    [`tim\n ${digest}`, 'refused'],
  ];
  for (const [response, fault] of cases) {
    it(`${JSON.stringify(response)} is ${fault}`, () => assert.equal(faultOf(cram(response)), fault));
  }
});

describe('XOAUTH2', () => {
  const example =
    'dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==';

  it("takes the example of Google's documentation", () => {
    const expected = {
      ...nothing,
      mechanism: 'XOAUTH2',
      user: 'someuser@example.com',
      token: 'ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg',
    };
    const message = Buffer.from(example, 'base64');
    assert.deepEqual(play(xoauth2Exchange(message)).outcome, expected);
    assert.deepEqual(play(xoauth2Exchange(null), message).outcome, expected);
  });

  const cases: readonly (readonly [message: string, fault: string])[] = [
    ['', 'malformed'],
    ['\x01', 'malformed'],
    ['user=u\x01auth=Bearer t\x01', 'malformed'],
    ['user=u\x01auth=Bearer t', 'malformed'],
    ['user=u\x01auth=Basic t\x01\x01', 'malformed'],
    ['user=u\x01auth=Bearer a b\x01\x01', 'malformed'],
    ['user=u\x01user=v\x01auth=Bearer t\x01\x01', 'malformed'],
    ['auth=Bearer t\x01\x01', 'refused'],
    ['user=\x01auth=Bearer t\x01\x01', 'refused'],
    ['user=u\x01auth=Bearer \x01\x01', 'refused'],
    ['user=u\nv\x01auth=Bearer t\x01\x01', 'refused'],
    ['user=u\x01auth=bearer  t\x01\x01', 'none'],
  ];
  for (const [message, fault] of cases) {
    it(`${JSON.stringify(message)}: ${fault}`, () => {
      assert.equal(faultOf(play(xoauth2Exchange(Buffer.from(message))).outcome), fault);
    });
  }
});

describe('OAUTHBEARER', () => {
  it('takes the example of RFC 7628 section 4.1', () => {
    const message =
      'n,a=user@example.com,\x01host=server.example.com\x01port=143\x01' +
      'auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01';
    assert.deepEqual(play(oauthBearerExchange(null), message).outcome, {
      ...nothing,
      mechanism: 'OAUTHBEARER',
      user: 'user@example.com',
      token: 'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==',
    });
  });

  const cases: readonly (readonly [message: string, fault: string, user?: string])[] = [
    ['n,a=a=2Cb=3Dc,\x01auth=Bearer t\x01\x01', 'none', 'a,b=c'],
    ['y,a=u,\x01auth=Bearer t\x01\x01', 'none', 'u'],
    ['n,,\x01auth=Bearer t\x01\x01', 'refused'],
    ['n,a=a=b,\x01auth=Bearer t\x01\x01', 'malformed'],
    ['p=tls-exporter,a=u,\x01auth=Bearer t\x01\x01', 'malformed'],
    ['n,a=u,\x01host=h\x01\x01', 'malformed'],
    ['n,a=u\x01auth=Bearer t\x01\x01', 'malformed'],
    ['n,a=u,auth=Bearer t\x01\x01', 'malformed'],
    ['\x01', 'malformed'],
  ];
  for (const [message, fault, user] of cases) {
    it(`${JSON.stringify(message)}: ${fault}`, () => {
      const { outcome } = play(oauthBearerExchange(Buffer.from(message)));
      assert.equal(faultOf(outcome), fault);
      if (user !== undefined) assert.equal(outcome.user, user);
    });
  }
});
