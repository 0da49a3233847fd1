// What a client says in AUTH: base64, UTF-8, and the messages of all mechanisms.

import assert from 'node:assert/strict';
import {
  cramMd5Exchange,
  type Exchange,
  isUnusable,
  loginExchange,
  oauthBearerExchange,
  plainExchange,
  xoauth2Exchange,
} from '../../src/protocol/auth-exchange.ts';
import { saslPrep } from '../../src/protocol/auth-saslprep.ts';
import { decodeBase64 } from '../../src/protocol/auth-text.ts';
import { type ScramFirst, scramFirst, scramProof } from '../../src/protocol/scram.ts';
import { scramSecretOf } from '../../src/protocol/scram-secret.ts';
import { Mutator } from './support/mutator.ts';
import type { Target } from './support/target.ts';

const seeds = [
  '\0user\0password',
  'user\0user\0password',
  'user 0123456789abcdef0123456789abcdef',
  'user=user@a.example\x01auth=Bearer abc.def=\x01\x01',
  'n,a=user,\x01host=a\x01port=25\x01auth=Bearer abc\x01\x01',
  'n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL|c=biws,r=fyko+d2lbbFgONRv9qkxdawLserver,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=|',
  'p=tls-exporter,,n=us=2Cer,r=abc|c=cD10bHMtZXhwb3J0ZXIsLA==,r=abcserver,p=AAAA',
  'y,,n=user,r=abc',
  'dXNlcg==',
];
const tokens = [
  ...[
    '\0',
    '\x01',
    ',',
    '=',
    '=2C',
    '=3D',
    '|',
    'n,,',
    'y,,',
    'p=',
    'a=',
    'r=',
    'c=',
    'n=',
    'm=',
    'v=',
    ' ',
    '\r\n',
  ],
  ...[
    'auth=Bearer ',
    'user=',
    'biws',
    'server',
    '====',
    'A',
    '\xff',
    '\xc3\xa4',
    '\xe2\x80\x8f',
    '\xd8\xa7',
    '\xef\xbf\xbf',
  ],
];

const secret = scramSecretOf('password', { salt: Buffer.alloc(16, 7), iterations: 1 });
const binding = (kind: string) => (kind === 'tls-exporter' ? Buffer.alloc(32, 7) : null);

export const authTarget: Target = {
  name: 'auth',
  promise:
    'never throws; base64 is taken by the letter; no name, password or token holds NUL, CR or LF; SCRAM takes no proof that is none',
  open() {
    const mutator = new Mutator(seeds, tokens);
    return { make: (random) => mutator.make(random), run: check };
  },
};

function check(input: Buffer): void {
  const text = input.toString('latin1');
  const octets = decodeBase64(text);
  if (octets !== null) assert.equal(octets.toString('base64'), text);
  assert.ok(decodeBase64(input.toString('base64'))?.equals(input));
  const prepared = saslPrep(input.toString('utf8'));
  if (prepared !== null) assert.doesNotMatch(prepared, /[\0-\x1f\x7f]/);

  const messages = text.split('|').map((part) => Buffer.from(part, 'latin1'));
  const [first = input] = messages;
  for (const initial of [first, null]) {
    checkAttempt(run(plainExchange(initial), messages));
    checkAttempt(run(loginExchange(initial), messages));
    checkAttempt(run(xoauth2Exchange(initial), messages));
    checkAttempt(run(oauthBearerExchange(initial), messages));
    for (const plus of [true, false]) {
      const scram = run(scramFirst(initial, { plus, plusOffered: true, binding }), messages);
      if (scram !== null) checkScram(scram, messages.slice(1));
    }
  }
  checkAttempt(run(cramMd5Exchange('<1.2@a.example>'), messages));
}

/** Null when the exchange wants more than there is. */
function run<R>(exchange: Exchange<R>, messages: readonly Buffer[]): R | null {
  let step = exchange.next();
  for (const message of messages) {
    if (step.done) break;
    step = exchange.next(message);
  }
  return step.done ? step.value : null;
}

function checkAttempt(
  outcome: ReturnType<typeof plainExchange> extends Exchange<infer R> ? R | null : never,
): void {
  if (outcome === null || isUnusable(outcome)) return;
  const { user, password, digest, token } = outcome;
  for (const part of [user, password, digest, token]) {
    if (part !== null) assert.match(part, /^[^\0\r\n]+$/);
  }
}

function checkScram(first: ScramFirst | object, messages: readonly Buffer[]): void {
  if (!('bare' in first)) return;
  assert.match(first.user, /^[^\0\r\n]+$/);
  assert.match(first.nonce, /^[!-+--~]{1,256}$/);
  const result = run(scramProof(first, secret, 'server'), messages);
  // The proof depends on a secret that no case knows.
  if (result !== null && 'proven' in result) assert.equal(result.proven, false);
}
