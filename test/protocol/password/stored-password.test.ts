// Published vectors: those of the SHA-crypt specification (its own salts and passwords, seven for each function), of
// crypt_blowfish and of the reference implementation of Argon2, and RFC 7677's password. MD5-crypt's are from crypt(3).

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import type { Matching } from '../../../src/protocol/password/password-hash.ts';
import { fractionOfPi } from '../../../src/protocol/password/pi.ts';
import {
  parsePasswordHash,
  parseStoredPassword,
  storedPasswordWarning,
} from '../../../src/protocol/password/stored-password.ts';

const vectors: Readonly<Record<string, readonly (readonly [password: string, hash: string])[]>> = {
  'SHA256-CRYPT': [
    ['Hello world!', '$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5'],
    ['Hello world!', '$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA'],
    ['This is just a test', '$5$rounds=5000$toolongsaltstrin$Un/5jzAHMgOGZ5.mWJpuVolil07guHPvOW8mGRcvxa5'],
    [
      'a very much longer text to encrypt.  This one even stretches over morethan one line.',
      '$5$rounds=1400$anotherlongsalts$Rx.j8H.h8HjEDGomFU8bDkXm3XIUnzyxf12oP84Bnq1',
    ],
    [
      'we have a short salt string but not a short password',
      '$5$rounds=77777$short$JiO1O3ZpDAxGJeaDIuqCoEFysAe1mZNJRs3pw0KQRd/',
    ],
    ['a short string', '$5$rounds=123456$asaltof16chars..$gP3VQ/6X7UUEW3HkBn2w1/Ptq2jxPyzV/cZKmF/wJvD'],
    [
      'the minimum number is still observed',
      '$5$rounds=1000$roundstoolow$yfvwcWrQ8l/K0DAWyuPMDNHpIVlTQebY9l/gL972bIC',
    ],
  ],
  'SHA512-CRYPT': [
    [
      'Hello world!',
      '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
    ],
    [
      'Hello world!',
      '$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.',
    ],
    [
      'This is just a test',
      '$6$rounds=5000$toolongsaltstrin$lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0',
    ],
    [
      'a very much longer text to encrypt.  This one even stretches over morethan one line.',
      '$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1',
    ],
    [
      'we have a short salt string but not a short password',
      '$6$rounds=77777$short$WuQyW2YR.hBNpjjRhpYD/ifIw05xdfeEyQoMxIXbkvr0gge1a1x3yRULJ5CCaUeOxFmtlcGZelFl5CxtgfiAc0',
    ],
    [
      'a short string',
      '$6$rounds=123456$asaltof16chars..$BtCwjqMJGx5hrJhZywWvt0RLE8uZ4oPwcelCjmw2kSYu.Ec6ycULevoBK25fs2xXgMNrCzIMVcgEJAstJeonj1',
    ],
    [
      'the minimum number is still observed',
      '$6$rounds=1000$roundstoolow$kUMsbe306n21p9R.FRkW3IGn.S9NPN0x50YhH1xhLsPuWGsUSklZt58jaTfF4ZEQpyUNGc0dqbpBYYBaHHrsX.',
    ],
  ],
  BCRYPT: [
    ['U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
    ['U*U*', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK'],
    ['U*U*U', '$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a'],
    [
      '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored',
      '$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui',
    ],
    ['grüße€', '$2y$04$abcdefghijklmnopqrstuuoyvsTb.MujDSk/I0/Usz1JiPM.y07tO'],
    ['x', '$2b$04$abcdefghijklmnopqrstuuPp7HPfoAs8I2dCQCQ/fW7zEJv8I8C8e'],
  ],
  'MD5-CRYPT': [
    ['password', '$1$abcdefgh$G//4keteveJp0qb8z2DxG/'],
    ['x', '$1$$LP5.V3ajGqHDdXW6XwZQy.'],
    ['grüße€', '$1$saltsalt$CgypUR6UzNgms62s2RIaZ1'],
    ['a longer password than sixteen octets, by far', '$1$0$mmJ7ppVeF6c8MMVczi3k21'],
  ],
  ARGON2I: [
    ['password', '$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA'],
  ],
  ARGON2ID: [
    ['password', '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'],
    ['password', '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'],
  ],
  'SCRAM-SHA-256': [
    [
      'pencil',
      'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
    ],
    [
      'pencil',
      '{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
    ],
  ],
  SHA: [['secret', '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=']],
  SSHA: [['secret', '{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0']],
  SHA256: [['secret', '{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=']],
};

/** Works through to the end. */
async function matched(matching: Matching): Promise<boolean> {
  if (typeof matching === 'boolean' || matching instanceof Promise) return matching;
  for (;;) {
    const step = matching.next();
    if (step.done) return step.value;
  }
}

const matches = (password: string, hash: string) =>
  matched(parsePasswordHash(hash).matches(Buffer.from(password)));

describe('a stored hash', () => {
  for (const [scheme, pairs] of Object.entries(vectors)) {
    for (const [password, hash] of pairs) {
      it(`${scheme} ${hash.slice(0, 28)}… is that of its password and of no other`, async () => {
        const { hash: parsed } = parseStoredPassword(hash);
        assert.equal(parsed?.scheme, scheme);
        assert.equal(await matches(password, hash), true);
        assert.equal(await matches(`x${password}`, hash), false);
        assert.equal(
          await matches(password.slice(0, -1) || 'y', hash),
          scheme === 'BCRYPT' && password.length > 72,
        );
      });
    }
  }

  it('is read behind {CRYPT} and the names of Dovecot', async () => {
    const sha = vectors['SHA512-CRYPT']?.[0]?.[1] ?? '';
    for (const name of ['CRYPT', 'SHA512-CRYPT', 'crypt']) {
      assert.equal(
        await matched(parsePasswordHash(`{${name}}${sha}`).matches(Buffer.from('Hello world!'))),
        true,
      );
    }
  });

  it('takes the minimum number of rounds where fewer are asked for', async () => {
    const [password = '', hash = ''] = vectors['SHA512-CRYPT']?.[6] ?? [];
    assert.equal(await matches(password, hash.replace('rounds=1000', 'rounds=10')), true);
  });

  it('matches what openssl passwd makes, whatever the length of the password', async (t) => {
    for (const kind of ['-1', '-5', '-6']) {
      for (const password of ['p', 'fifteen octets.', 'sixteen octets..', 'x'.repeat(64), 'ä€'.repeat(51)]) {
        const made = spawnSync('openssl', ['passwd', kind, password], { encoding: 'utf8' });
        if (made.error !== undefined) return t.skip('there is no openssl');
        assert.equal(await matches(password, made.stdout.trim()), true, made.stdout);
      }
    }
  });

  it('stops between steps of less than 20 ms', () => {
    const step = (hash: string) => {
      const matching = parsePasswordHash(hash).matches(Buffer.alloc(512, 'x'));
      assert.ok(typeof matching === 'object' && 'next' in matching);
      let steps = 1;
      while (!matching.next().done) steps++;
      return steps;
    };
    const salt = '.'.repeat(22);
    assert.ok(step(`$6$salt$${'.'.repeat(86)}`) > 50);
    assert.ok(step(`$1$salt$${'.'.repeat(22)}`) > 10);
    assert.ok(step(`$2b$06$${salt}${'.'.repeat(31)}`) > 60);
  });
});

describe('what cannot be checked, or costs too much', () => {
  const digest = 'A'.repeat(43);
  const cases: [text: string, problem: RegExp][] = [
    ['$6$salt$short', /not a whole SHA-crypt hash/],
    ['$5$rounds=1000001$salt$'.concat('.'.repeat(43)), /1000001 rounds, more than 1000000/],
    ['$6$rounds=99999999999$salt$'.concat('.'.repeat(86)), /not a whole SHA-crypt hash/],
    ['$1$salt$tooshort', /not a whole MD5-crypt hash/],
    [`$2b$17$${'.'.repeat(53)}`, /cost 17/],
    [`$2b$03$${'.'.repeat(53)}`, /cost 03/],
    [`$2b$12$${'.'.repeat(52)}`, /not a whole bcrypt hash/],
    [`$argon2id$v=19$m=262145,t=1,p=1$c29tZXNhbHQ$${digest}`, /262145 KiB/],
    [`$argon2id$v=19$m=262144,t=9,p=1$c29tZXNhbHQ$${digest}`, /9 passes over 262144 KiB/],
    [`$argon2id$v=19$m=65536,t=0,p=1$c29tZXNhbHQ$${digest}`, /0 passes/],
    [`$argon2id$v=19$m=65536,t=1,p=17$c29tZXNhbHQ$${digest}`, /17 lanes/],
    [`$argon2id$v=16$m=65536,t=1,p=1$c29tZXNhbHQ$${digest}`, /version 16/],
    [`$argon2id$v=19$m=65536,t=1,p=1$c29t$${digest}`, /salt is shorter/],
    ['$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$AAAA', /digest is not of/],
    ['SCRAM-SHA-256$1000001:AAAA$AAAA:AAAA', /octets/],
    [`SCRAM-SHA-256$1000001:AAAA$${digest}=:${digest}=`, /1000001 iterations/],
    ['$y$j9T$salt$hash', /^Error: yescrypt cannot be checked/],
    ['$7$abc', /^Error: scrypt cannot be checked/],
    ['$2x$05$abc', /faulty old version/],
    ['{CRYPT}rE9dQ0.4PtTQc', /^Error: traditional DES crypt cannot be checked/],
    ['{CRYPT}something', /no scheme that is known/],
    ['{SSHA}5en6G6MezRroT3XKqkdPOmY/BfQ=', /20 octets and a salt/],
    ['{SHA}iZ4HSkJBrqpxiXdodv4WsWbIYodzYWx0', /Base64 of 20 octets/],
  ];
  for (const [text, problem] of cases) {
    it(`${text.slice(0, 36)}: ${problem.source}`, () => {
      assert.throws(() => parseStoredPassword(text), problem);
    });
  }

  it('an empty password', () => {
    assert.throws(() => parseStoredPassword(''), /empty/);
    assert.throws(() => parseStoredPassword('{PLAIN}'), /empty/);
  });

  it('a hash of an unknown scheme where there has to be a hash', () => {
    assert.throws(() => parsePasswordHash('{FOO}abc'), /the scheme \{FOO\} is not known/);
    assert.throws(() => parsePasswordHash('in clear'), /no scheme that is known/);
  });
});

describe('a password in clear', () => {
  it('is what does not begin like a hash', () => {
    for (const text of ['secret', 'a:b:c', 'rE9dQ0.4PtTQc', '$money', '$6', '{wave}hello', '{']) {
      assert.deepEqual(parseStoredPassword(text), { clear: text });
    }
  });

  it('may begin like a hash behind {PLAIN}', () => {
    assert.deepEqual(parseStoredPassword('{PLAIN}$6$x'), { clear: '$6$x' });
    assert.deepEqual(parseStoredPassword('{plain}{PLAIN}'), { clear: '{PLAIN}' });
  });

  it('is warned of where it may have been meant as a hash, without a word of it', () => {
    assert.match(storedPasswordWarning('$money') ?? '', /dollar sign/);
    assert.match(storedPasswordWarning('{wave}hello') ?? '', /braces/);
    for (const text of ['$money', '{wave}hello']) {
      assert.doesNotMatch(storedPasswordWarning(text) ?? '', /money|wave|hello/);
    }
    for (const text of ['secret', '{PLAIN}$x', '$y$j9T$salt$hash', '{SSHA}x']) {
      assert.equal(storedPasswordWarning(text), null, text);
    }
  });
});

describe('tables of Blowfish', () => {
  it('begin and end with the right digits of pi', () => {
    const words = Array.from(fractionOfPi(18 + 1024), (word) => (word >>> 0).toString(16).padStart(8, '0'));
    assert.deepEqual(words.slice(0, 4), ['243f6a88', '85a308d3', '13198a2e', '03707344']);
    assert.equal(words.at(-1), '3ac372e6');
  });
});
