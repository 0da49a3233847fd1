// Addresses beyond ASCII: RFC 6531 section 3.3, domains by RFC 5890.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Address } from '../../src/protocol/address.ts';

const parse = (path: string) => Address.parse(path, { utf8: true });

describe('an address beyond ASCII', () => {
  const legal: [path: string, localPart: string, domain: string, asciiDomain?: string, again?: string][] = [
    ['<用户@example.org>', '用户', 'example.org'],
    ['<jörg.müller@a.example>', 'jörg.müller', 'a.example'],
    ['<a@bücher.example>', 'a', 'bücher.example', 'xn--bcher-kva.example'],
    ['<a@BÜCHER.Example>', 'a', 'BÜCHER.Example', 'xn--bcher-kva.example'],
    ['<δοκιμή@παράδειγμα.δοκιμή>', 'δοκιμή', 'παράδειγμα.δοκιμή', 'xn--hxajbheg2az3al.xn--jxalpdlp'],
    ['<a@u\u0308_x.mail.例え.jp>', 'a', 'u\u0308_x.mail.例え.jp', 'xn--_x-wka.mail.xn--r8jz45g.jp'],
    ['<"ü b"@a.example>', 'ü b', 'a.example'],
    ['<"ü"@a.example>', 'ü', 'a.example', 'a.example', '<ü@a.example>'],
    ['<💡‍🔥@a.example>', '💡‍🔥', 'a.example'],
    ['<क्‍ष@a.example>', 'क्‍ष', 'a.example'],
    ['<@x.example:ü@b.example>', 'ü', 'b.example', 'b.example', '<ü@b.example>'],
    ['<plain@a.example>', 'plain', 'a.example'],
    ['<>', '', ''],
    ['<ü@[192.0.2.1]>', 'ü', '[192.0.2.1]'],
  ];
  for (const [path, localPart, domain, asciiDomain = domain, again = path] of legal) {
    test(`${path} is taken and kept as written`, () => {
      const address = parse(path);
      assert.deepEqual([address?.localPart, address?.domain], [localPart, domain]);
      assert.equal(address?.asciiDomain, asciiDomain);
      assert.equal(address?.path, again);
    });
  }

  const illegal: [what: string, path: string][] = [
    ['C1 control', '<a\x85@b.example>'],
    ['C1 control in quotes', '<"a\x85"@b.example>'],
    ['no-break space', '<a\xa0b@c.example>'],
    ['ideographic space', '<a\u3000b@c.example>'],
    ['line separator', '<a\u2028b@c.example>'],
    ['mark of direction', '<a\u202eb@c.example>'],
    ['isolate', '<"a\u2066b"@c.example>'],
    ['byte order mark', '<\ufeffa@c.example>'],
    ['soft hyphen', '<a\xadb@c.example>'],
    ['private character', '<a\ue000@c.example>'],
    ['unassigned character', '<a\u0378@c.example>'],
    ['half of a pair', '<a\ud800@c.example>'],
    ['noncharacter', '<a\uffff@c.example>'],
    ['empty local part', '<@bücher.example>'],
    ['two dots', '<ü..b@c.example>'],
    ['symbol in a domain', '<a@💡.example>'],
    ['dot of another script', '<a@ü\u3002example>'],
    ['letters of full width that are plain ones', '<a@ｅｘample.org>'],
    ['digits of full width that make an IP address', '<a@１９２.0.2.1>'],
    ['mixed directions against RFC 5893', '<a@אa.example>'],
    ['joiner without anything to join', '<a@a\u200db.example>'],
    ['label that is too long', `<a@${'ü'.repeat(60)}.example>`],
    ['domain that is too long', `<a@${'ü.'.repeat(60)}example>`],
    ['port', '<a@ü.example:25>'],
    ['path', '<a@ü.example/x>'],
    ['user', '<a@x@ü.example>'],
    ['percent sign', '<a@ü%41.example>'],
    ['empty label', '<a@ü..example>'],
    ['dot at the end', '<a@ü.example.>'],
    ['hyphen at the end', '<a@ü.b-.example>'],
    ['xn-- that is none', '<a@xn--ü.example>'],
    ['broken xn-- beside it', '<a@ü.xn--999999999.example>'],
  ];
  for (const [what, path] of illegal) test(`${what} is not taken`, () => assert.equal(parse(path), null));

  test('is none unless it is asked for', () => {
    for (const [path, localPart, domain] of legal) {
      const isAscii = /^[\x00-\x7f]*$/.test(localPart + domain) && !path.includes('ü');
      if (!isAscii) assert.equal(Address.parse(path), null, path);
    }
  });
});

describe('an address in ASCII form', () => {
  test('is itself when it is ASCII', () => {
    const address = parse('<A@B.Example>');
    assert.deepEqual([address?.isAscii, address?.needsUtf8], [true, false]);
    assert.equal(address?.toAscii(), address);
  });

  test('has the domain of the DNS', () => {
    const address = parse('<A@Bücher.example>');
    assert.deepEqual([address?.isAscii, address?.needsUtf8], [false, false]);
    assert.equal(address?.toAscii()?.path, '<A@xn--bcher-kva.example>');
  });

  test('does not exist for a local part beyond ASCII', () => {
    const address = parse('<ü@b.example>');
    assert.deepEqual([address?.isAscii, address?.needsUtf8], [false, true]);
    assert.equal(address?.toAscii(), null);
  });
});

test('spellings of one address have one key', () => {
  const key = 'jörg@xn--bcher-kva.example';
  for (const path of [
    '<jörg@bücher.example>',
    '<Jo\u0308rg@BÜCHER.example>',
    '<JÖRG@xn--BCHER-kva.example>',
  ]) {
    assert.equal(parse(path)?.key, key, path);
  }
  assert.notEqual(parse('<jörg@b.example>')?.key, parse('<jorg@b.example>')?.key);
});

// A small generator with a fixed seed: the same addresses every time.
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('what is parsed is written so that it is parsed to the same again', () => {
  const random = randomNumbers(6531);
  const alphabet = [...'ab.@"\\ <>,;:()[]%+\t\x7f\0', ...'üÖ用户δאक्\u0308\u200d\u202e\u3000\x85💡\ufeff'];
  const word = (length: number) =>
    Array.from({ length }, () => alphabet[random(alphabet.length)] ?? '').join('');
  let taken = 0;
  for (let count = 0; count < 20_000; count++) {
    const local = random(2) === 0 ? word(1 + random(5)) : `"${word(1 + random(5))}"`;
    const path = `<${local}@${random(2) === 0 ? 'a.example' : word(1 + random(6))}>`;
    const address = parse(path);
    if (address === null) continue;
    taken++;
    assert.deepEqual(parse(address.path), address, path);
    assert.doesNotMatch(address.path, /[\x00-\x1f\x7f-\x9f\u202e\u3000\ufeff]/, path);
    assert.equal(Address.parse(path) !== null, address.isAscii, path);
    const ascii = address.toAscii();
    if (ascii !== null) assert.deepEqual(Address.parse(ascii.path), ascii, path);
  }
  assert.ok(taken > 1000, `${taken} of them are addresses`);
});

test('any local part beyond controls can be quoted', () => {
  const random = randomNumbers(5321);
  const alphabet = [...'ab."\\ @<>', ...'ü用💡'];
  for (let count = 0; count < 2000; count++) {
    const local = Array.from({ length: 1 + random(6) }, () => alphabet[random(alphabet.length)] ?? '').join(
      '',
    );
    const address = new Address(local, 'a.example');
    assert.deepEqual(parse(address.path), address, local);
  }
});
