import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import rcptOk, { entryFor } from '../../plugins/rcpt_ok.ts';

describe('entryFor', () => {
  const cases: [host: string, entries: string[], found: string | undefined][] = [
    ['example.org', ['example.org'], 'example.org'],
    ['a.example.org', ['.example.org'], '.example.org'],
    ['a.b.example.org', ['.example.org', '.b.example.org'], '.b.example.org'],
    ['a.example.org', ['.org'], '.org'],
    ['example.org', ['.example.org'], undefined],
    ['notexample.org', ['.example.org', 'example.org'], undefined],
    ['a.example.org', ['example.org'], undefined],
  ];
  for (const [host, entries, found] of cases) {
    it(`${host} in ${entries.join(' ')}: ${found}`, () => {
      assert.equal(entryFor(host, new Set(entries)), found);
    });
  }
});

describe('lines of rcpthosts', () => {
  const parse = rcptOk.files?.rcpthosts.parse;
  assert.ok(parse);

  it('are domains in lower case', () => {
    assert.equal(parse(' .Example.ORG '), '.example.org');
  });

  it('are refused when they are none', () => {
    assert.throws(() => parse('*.example.org'), { message: '"*.example.org" is not a domain' });
    assert.throws(() => parse('user@example.org'), /is not a domain/);
  });
});
