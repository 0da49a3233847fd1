import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compilePattern } from '../../src/contract/pattern.ts';

describe('compilePattern', () => {
  const cases: [pattern: string, text: string, found: boolean][] = [
    ['mailengine', 'x@mailengine1.com', true],
    ['^a\\@b$', 'a@b', true],
    ['^a\\@b$', 'xa@b', false],
    ['\\Aabc\\Z', 'abc', true],
    ['\\Aabc\\Z', 'abcd', false],
    ['^[[:digit:]]+@', '42@x', true],
    ['(?i)BAD', 'so bad', true],
    ['BAD', 'so bad', false],
    ['\\D', '123', false],
    ['@.*@', 'a@b@c', true],
    ['%', 'a%b@c', true],
  ];
  for (const [pattern, text, found] of cases) {
    it(`${pattern} ${found ? 'is' : 'is not'} in ${text}`, () => {
      assert.equal(compilePattern(pattern).test(text), found);
    });
  }

  it('ignores case when told to', () => {
    assert.equal(compilePattern('BAD', { ignoreCase: true }).test('bad'), true);
    assert.equal(compilePattern('^(?!GOOD)', { ignoreCase: true }).test('good'), false);
  });

  it('needs no more than linear time where a backtracking engine would not come back', () => {
    const text = `${'a'.repeat(50_000)}!`;
    assert.equal(compilePattern('^(a+)+$').test(text), false);
  });

  it('knows look-around and back-references', () => {
    const notOurs = compilePattern('\\A(?!.*@ours\\.example\\z)');
    assert.equal(notOurs.test('x@ours.example'), false);
    assert.equal(notOurs.test('x@theirs.example'), true);
    assert.equal(compilePattern('^(\\w+)\\@\\1\\.').test('spam@spam.example'), true);
    assert.equal(compilePattern('(?i)^(X)(?=@)').test('x@y'), true);
  });

  it('shows the native engine 256 characters and no more', () => {
    const pattern = compilePattern('z(?!a)');
    assert.equal(pattern.test(`${'a'.repeat(255)}z`), true);
    assert.equal(pattern.test(`${'a'.repeat(256)}z`), false);
  });

  it('names the pattern and what is wrong with it', () => {
    assert.throws(() => compilePattern('(bad'), {
      message: '"(bad" is not a pattern: missing closing ): `(bad`',
    });
    assert.throws(() => compilePattern('(?=bad'), /^Error: "\(\?=bad" is not a pattern: /);
  });

  it('refuses an escape beside look-around that JavaScript reads otherwise than Perl', () => {
    assert.throws(() => compilePattern('(?=a)\\Qb.c\\E'), /do not go with \\Q/);
    assert.throws(() => compilePattern('(?=a)[[:alpha:]]'), /\[:classes:\]/);
  });
});
