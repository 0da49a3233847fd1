import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '../../../src/cli/arguments.ts';
import { readNames, readSubject, type SubjectField } from '../../../src/cli/tls-cert/subject.ts';

const subject = (given: Partial<Record<SubjectField, string>>) => readSubject((field) => given[field]);
const usageError = (message: RegExp) => (error: unknown) =>
  error instanceof UsageError && message.test(error.message);

describe('readSubject', () => {
  it('gives the fields in the order of a certificate, without empty ones', () => {
    const given = { CN: 'mx.example', email: 'me@example.com', O: '', C: 'DE' };
    assert.deepEqual(subject(given), [
      ['C', 'DE'],
      ['CN', 'mx.example'],
      ['email', 'me@example.com'],
    ]);
  });

  it('counts characters, not octets', () => {
    assert.equal(subject({ O: 'ü'.repeat(64) }).length, 1);
    assert.throws(() => subject({ O: 'ü'.repeat(65) }), usageError(/--O has 65 characters, and 64/));
    assert.equal(subject({ O: '😀'.repeat(64) }).length, 1);
  });

  for (const country of ['de', 'D', 'DEU', 'D1', 'ÄÖ', 'DE\n']) {
    it(`does not take ${JSON.stringify(country)} for a country`, () => {
      assert.throws(() => subject({ C: country }), usageError(/--C/));
    });
  }

  for (const email of ['me', 'me@', '@example.com', 'm e@example.com', 'mé@example.com', 'a@b\n', 'a@b@c']) {
    it(`does not take ${JSON.stringify(email)} for an address`, () => {
      assert.throws(() => subject({ email }), usageError(/--email/));
    });
  }
});

describe('readNames', () => {
  it('sorts host names from addresses, each once, in the form of the DNS', () => {
    const more = [
      'Mail.Example.',
      'bücher.example',
      '192.0.2.1',
      '2001:DB8::1',
      'MX.example',
      '*.example.org',
    ];
    assert.deepEqual(readNames('mx.example', more), {
      dns: ['mx.example', 'mail.example', 'xn--bcher-kva.example', '*.example.org'],
      ip: ['192.0.2.1', '2001:db8::1'],
    });
  });

  it('takes an address literal, which config/me may have', () => {
    assert.deepEqual(readNames('[192.0.2.1]', []), { dns: [], ip: ['192.0.2.1'] });
  });

  it('leaves out a common name that is no host, and asks for a name then', () => {
    assert.deepEqual(readNames('Our mail', ['mx.example']), { dns: ['mx.example'], ip: [] });
    assert.throws(() => readNames('Our mail', []), usageError(/--name/));
  });

  const bad = [
    'a b',
    'a,DNS:evil.example',
    'mx.example\n',
    'mx\0.example',
    'a..b',
    '-a.example',
    'a-.example',
    '',
    '.',
    'a/b',
    'a%62.example',
    '*',
    'a.*.example',
    '*.*.example',
    '*.',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(127)}ab`,
    '1.2.3',
    '0x7f.1',
    '256.1.1.1',
    '[::1',
    'bü\ncher.example',
    'fe80::1%eth0',
  ];
  for (const name of bad) {
    it(`refuses ${JSON.stringify(name).slice(0, 40)}`, () => {
      assert.throws(() => readNames('mx.example', [name]), usageError(/^--name /));
    });
  }
});
