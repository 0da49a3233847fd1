// SCRAM against the example of RFC 7677, and against a client of the test's own that can do everything wrong.

import assert from 'node:assert/strict';
import { pbkdf2Sync } from 'node:crypto';
import { describe, it } from 'node:test';
import { type ScramFirst, type ScramTerms, scramFirst, scramProof } from '../../src/protocol/scram.ts';
import { hmac, scramSecretOf, sha256 } from '../../src/protocol/scram-secret.ts';

const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
const secret = scramSecretOf('pencil', { salt, iterations: 4096 });
const EXPORTED = Buffer.from('what both ends of the TLS connection know');
const noTls: ScramTerms = { plus: false, plusOffered: false, binding: () => null };
const tls: ScramTerms = {
  plus: true,
  plusOffered: true,
  binding: (kind) => (kind === 'tls-exporter' ? EXPORTED : null),
};

function readFirst(message: string | Buffer, terms = noTls) {
  const step = scramFirst(Buffer.from(message), terms).next();
  assert.ok(step.done);
  return step.value;
}

function first(message: string, terms = noTls): ScramFirst {
  const read = readFirst(message, terms);
  assert.ok('bare' in read, JSON.stringify(read));
  return read;
}

function faultOf(outcome: object): string {
  return 'fault' in outcome ? String(outcome.fault) : 'none';
}

/** From the server's challenge to the end, with whatever the client answers to each. */
function prove(begun: ScramFirst, answer: (challenge: string) => string, serverNonce = 'server') {
  const exchange = scramProof(begun, secret, serverNonce);
  let step = exchange.next();
  const challenges: string[] = [];
  for (const respond of [answer, () => '']) {
    if (step.done) break;
    challenges.push(step.value.toString());
    step = exchange.next(Buffer.from(respond(step.value.toString())));
  }
  assert.ok(step.done);
  return { challenges, outcome: step.value };
}

/** A client's final message (RFC 5802 section 3). */
function finalOf(begun: ScramFirst, serverFirst: string, { password = 'pencil', bound = begun.bound } = {}) {
  const withoutProof = `c=${bound.toString('base64')},${serverFirst.split(',')[0]}`;
  const clientKey = hmac(pbkdf2Sync(password, salt, 4096, 32, 'sha256'), 'Client Key');
  const signature = hmac(sha256(clientKey), `${begun.bare},${serverFirst},${withoutProof}`);
  const proof = Buffer.from(clientKey.map((octet, at) => octet ^ (signature[at] ?? 0)));
  return `${withoutProof},p=${proof.toString('base64')}`;
}

describe('SCRAM-SHA-256', () => {
  it('goes as in RFC 7677 section 3', () => {
    const begun = first('n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
    assert.equal(begun.user, 'user');
    const final =
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=';
    const { challenges, outcome } = prove(begun, () => final, '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0');
    assert.deepEqual(challenges, [
      'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
      'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
    ]);
    assert.deepEqual(outcome, { proven: true });
  });

  it('asks for the first message when it did not come with the command', () => {
    const exchange = scramFirst(null, noTls);
    const asked = exchange.next();
    assert.equal(asked.done === true ? null : asked.value.length, 0);
    const read = exchange.next(Buffer.from('n,,n=user,r=abc'));
    assert.ok(read.done && 'user' in read.value && read.value.user === 'user');
  });

  it('is not proven by another password, and then says nothing of its own', () => {
    const begun = first('n,,n=user,r=abc');
    const { challenges, outcome } = prove(begun, (said) => finalOf(begun, said, { password: 'pen' }));
    assert.deepEqual(outcome, { proven: false });
    assert.equal(challenges.length, 1);
  });

  it('is not proven before the client has taken the proof of the server', () => {
    const begun = first('n,,n=user,r=abc');
    const exchange = scramProof(begun, secret, 'server');
    const challenge = exchange.next();
    assert.ok(!challenge.done);
    exchange.next(Buffer.from(finalOf(begun, challenge.value.toString())));
    const end = exchange.next(Buffer.from('more'));
    assert.equal(end.done && faultOf(end.value), 'malformed');
  });

  const firsts: readonly (readonly [message: string | Buffer, fault: string])[] = [
    ['', 'malformed'],
    ['n,,n=user', 'malformed'],
    ['n,,n=user,r=', 'malformed'],
    ['n,,r=abc,n=user', 'malformed'],
    ['x,,n=user,r=abc', 'malformed'],
    ['n=user,r=abc', 'malformed'],
    ['n,,n=user,r=a c', 'malformed'],
    ['n,,n=user,r=abc,', 'malformed'],
    [`n,,n=user,r=${'a'.repeat(257)}`, 'malformed'],
    ['n,,m=x,n=user,r=abc', 'refused'],
    ['n,,n=,r=abc', 'refused'],
    ['n,,n=a=b,r=abc', 'refused'],
    ['n,,n=us\0er,r=abc', 'refused'],
    ['n,,n=us\ner,r=abc', 'refused'],
    ['n,a=other,n=user,r=abc', 'refused'],
    [Buffer.from('n,,n=\xff,r=abc', 'latin1'), 'refused'],
    ['n,a=user,n=user,r=abc', 'none'],
    ['y,,n=user,r=abc', 'none'],
    ['n,,n=user,r=abc,x=ignored', 'none'],
    [`n,,n=user,r=${'a'.repeat(256)}`, 'none'],
  ];
  for (const [message, fault] of firsts) {
    it(`begun by ${JSON.stringify(message.toString()).slice(0, 40)}: ${fault}`, () => {
      assert.equal(faultOf(readFirst(message)), fault);
    });
  }

  it('knows commas and equals signs in names, and SASLprep', () => {
    assert.equal(first('n,,n=a=2Cb=3Dc,r=abc').user, 'a,b=c');
    assert.equal(first('n,,n=\u2168,r=abc').user, 'IX');
  });

  const finals: readonly (readonly [title: string, of: (good: string) => string, fault: string])[] = [
    ['nothing', () => '', 'malformed'],
    ['another nonce', (good) => good.replace('r=abc', 'r=abd'), 'refused'],
    ['a nonce without the part of the server', (good) => good.replace('r=abcserver', 'r=abc'), 'refused'],
    ['another header', (good) => good.replace('c=biws', 'c=eSws'), 'refused'],
    ['a header that is not base64', (good) => good.replace('c=biws', 'c=biw'), 'malformed'],
    ['no proof', (good) => good.replace(/,p=.*/, ''), 'malformed'],
    ['a proof that is not base64', (good) => good.replace(/,p=.*/, ',p=*'), 'malformed'],
    ['a proof of another length', (good) => good.replace(/,p=.*/, ',p=AAAA'), 'none'],
    ['something behind the proof', (good) => `${good},x=y`, 'malformed'],
  ];
  for (const [title, of, fault] of finals) {
    it(`ended with ${title}: ${fault === 'none' ? 'not proven' : fault}`, () => {
      const begun = first('n,,n=user,r=abc');
      const { outcome } = prove(begun, (said) => of(finalOf(begun, said)));
      assert.equal(faultOf(outcome), fault);
      assert.ok(!('proven' in outcome && outcome.proven));
    });
  }
});

describe('SCRAM-SHA-256-PLUS', () => {
  it('is proven with the data of the TLS connection', () => {
    const begun = first('p=tls-exporter,,n=user,r=abc', tls);
    assert.deepEqual(prove(begun, (said) => finalOf(begun, said)).outcome, { proven: true });
  });

  it('is refused with other data: somebody sits in between', () => {
    const begun = first('p=tls-exporter,,n=user,r=abc', tls);
    for (const bound of [Buffer.from('p=tls-exporter,,'), Buffer.from('p=tls-exporter,,other')]) {
      assert.equal(faultOf(prove(begun, (said) => finalOf(begun, said, { bound })).outcome), 'refused');
    }
  });

  const cases: readonly (readonly [title: string, message: string, terms: ScramTerms])[] = [
    ['binding of a kind that cannot be had', 'p=tls-unique,,n=user,r=abc', tls],
    ['no binding', 'n,,n=user,r=abc', tls],
    ['y', 'y,,n=user,r=abc', tls],
    ['binding in the mechanism without', 'p=tls-exporter,,n=user,r=abc', { ...tls, plus: false }],
    // RFC 5802 section 6
    ['y where it was offered: a downgrade', 'y,,n=user,r=abc', { ...tls, plus: false }],
  ];
  for (const [title, message, terms] of cases) {
    it(`is refused with ${title}`, () => assert.equal(faultOf(readFirst(message, terms)), 'refused'));
  }

  it('does not keep a client that cannot bind from the mechanism without', () => {
    assert.equal(faultOf(readFirst('n,,n=user,r=abc', { ...tls, plus: false })), 'none');
  });
});
