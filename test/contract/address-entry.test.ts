import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  addressEntryWarning,
  parseAddressEntry,
  parseAddressOrHost,
} from '../../src/contract/address-entry.ts';
import { Address } from '../../src/protocol/address.ts';

function matches(line: string, path: string, ignoreCase = false): boolean {
  const address = Address.parse(path);
  assert.ok(address, `${path} is no address`);
  return parseAddressEntry(line, { ignoreCase }).matches(address);
}

describe('parseAddressEntry', () => {
  const cases: [line: string, path: string, match: boolean][] = [
    ['bad@example.com', '<BAD@Example.com>', true],
    ['Bad@Example.com', '<bad@example.com>', true],
    ['bad@example.com', '<good@example.com>', false],
    ['bad@example.com', '<bad@example.com.example>', false],
    ['@Example.com', '<any@example.COM>', true],
    ['@example.com', '<any@sub.example.com>', false],
    ['@[192.0.2.1]', '<any@[192.0.2.1]>', true],
    ['user+tag@example.com', '<user+tag@example.com>', true],
    ['user+tag@example.com', '<userrtag@example.com>', false],
    ['"a"@example.com', '<a@example.com>', true],
    ['!', '<a!b@example.com>', true],
    ['@.*@', '<"a@b"@example.com>', true],
    ['example\\.com$', '<a@example.com>', true],
    ['^bad.*\\.biz$', '<bad@mail.biz>', true],
    ['/user+tag@example.com/', '<userrtag@example.com>', true],
    ['(one|two)@example', '<two@example>', true],
  ];
  for (const [line, path, match] of cases) {
    it(`${line} ${match ? 'matches' : 'does not match'} ${path}`, () => {
      assert.equal(matches(line, path), match);
    });
  }

  it('tries a pattern on the address in lower case', () => {
    assert.equal(matches('^Bad.*$', '<Bad@example.com>'), false);
    assert.equal(matches('^Bad.*$', '<Bad@example.com>', true), true);
  });

  it('splits entry and reason at white space', () => {
    const entry = parseAddressEntry('  bad@example.com \t go away,  please ', { ignoreCase: false });
    assert.equal(entry.entry, 'bad@example.com');
    assert.equal(entry.reason, 'go away,  please');
    assert.equal(parseAddressEntry('bad@example.com', { ignoreCase: false }).reason, null);
  });

  const wrong: [line: string, message: string][] = [
    ['localhost', 'no @ sign in "localhost"'],
    ['postmaster', 'no @ sign in "postmaster"'],
    ['a..b@example.com', '"a..b@example.com" is neither an address, nor @HOST, nor a pattern'],
    ['user@', '"user@" is neither an address, nor @HOST, nor a pattern'],
    [' ', 'the entry is empty'],
    ['*@example..com', '"*@example..com" is not a pattern: missing argument to repetition operator: `*`'],
  ];
  for (const [line, message] of wrong) {
    it(`refuses ${line}`, () => {
      assert.throws(() => parseAddressEntry(line, { ignoreCase: false }), { message });
    });
  }
});

describe('parseAddressOrHost', () => {
  it('takes addresses and hosts, no patterns', () => {
    assert.equal(parseAddressOrHost('@Example.com').matches(new Address('a', 'example.com')), true);
    assert.throws(() => parseAddressOrHost('^bad\\@x$'), {
      message: '"^bad\\@x$" is neither an address nor @HOST',
    });
    assert.throws(() => parseAddressOrHost('bad'), { message: 'no @ sign in "bad"' });
  });
});

describe('entries beyond ASCII, RFC 6531', () => {
  const spelled = ['<x@b\u00fccher.example>', '<x@xn--bcher-kva.example>'];

  for (const entry of [
    '@xn--bcher-kva.example',
    '@B\u00fccher.example',
    'x@xn--bcher-kva.example',
    'X@b\u00fccher.example',
  ]) {
    it(`${entry} means a domain however it is spelled`, () => {
      for (const path of spelled) {
        const address = Address.parse(path, { utf8: true });
        assert.ok(address !== null);
        assert.equal(parseAddressOrHost(entry).matches(address), true, path);
      }
      assert.equal(parseAddressOrHost(entry).matches(new Address('x', 'bucher.example')), false);
    });
  }
});

describe('addressEntryWarning', () => {
  it('tells of an address that was a pattern in Perl, quirk 41', () => {
    assert.match(
      addressEntryWarning('^bob@example.com  go away') ?? '',
      /write it between slashes: \/\^bob@example\.com\//,
    );
    assert.notEqual(addressEntryWarning('spam.*@example.com'), null);
  });

  it('is silent on addresses, plus-addresses, hosts and patterns', () => {
    for (const line of ['a@b.example', 'a+b@c.example why', '@b.example', '/^a@b/', '@.*@', '!', 'a@b\\.c']) {
      assert.equal(addressEntryWarning(line), null, line);
    }
  });
});
