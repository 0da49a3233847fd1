import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Option, OptionError, option } from '../../src/contract/options.ts';

function refuses(spec: Option<unknown>, text: string, message: string): void {
  assert.throws(
    () => spec.parse(text),
    (error) => error instanceof OptionError && error.message === message,
  );
}

describe('options', () => {
  it('say what the manual needs', () => {
    const size = option.integer({ default: 4, doc: 'how many' });
    assert.partialDeepStrictEqual(size, { form: 'N', doc: 'how many', required: false, rest: false });
    assert.deepEqual([size.default, size.shownDefault], [4, '4']);
    const name = option.text({ doc: 'a name', required: true, form: 'NAME' });
    assert.deepEqual(
      [name.form, name.required, name.default, name.shownDefault],
      ['NAME', true, undefined, ''],
    );
    assert.equal(option.flag({ default: false, doc: '' }).shownDefault, 'no');
    assert.equal(option.mode({ default: 0o770, doc: '' }).shownDefault, '0770');
  });

  it('integer: whole numbers within limits', () => {
    const spec = option.integer({ doc: '', min: 1, max: 9 });
    assert.deepEqual(['1', '+9', '007'].map(spec.parse), [1, 9, 7]);
    refuses(spec, '0', '0 is not between 1 and 9');
    refuses(spec, '10', '10 is not between 1 and 9');
    for (const text of ['1.5', '', '1e3', '0x5', ' 1'])
      refuses(spec, text, `"${text}" is not a whole number`);
    assert.throws(() => option.integer({ doc: '' }).parse('99999999999999999999'), OptionError);
  });

  it('someOf: words of which each adds to a list', () => {
    const spec = option.someOf(['CONNECT', 'DATA'], { default: ['CONNECT', 'DATA'], doc: '' });
    assert.deepEqual(spec.parse('data'), ['DATA']);
    assert.partialDeepStrictEqual(spec, { form: 'CONNECT|DATA', required: false, repeats: true });
    assert.equal(spec.shownDefault, 'CONNECT, DATA');
    refuses(spec, 'HELO', '"HELO" is none of CONNECT, DATA');
  });

  it('number: fractions too, down to a limit', () => {
    const spec = option.number({ doc: '' });
    assert.deepEqual(['1', '-1.5', '.5', '2.'].map(spec.parse), [1, -1.5, 0.5, 2]);
    for (const text of ['', '.', '1e3', 'x', 'NaN']) refuses(spec, text, `"${text}" is not a number`);
    refuses(option.number({ doc: '', min: 0 }), '-0.5', '-0.5 is less than 0');
  });

  it("flag: yes and no in qpsmtpd's spellings", () => {
    const spec = option.flag({ doc: '' });
    assert.deepEqual(['1', 'YES', 'on', 'True'].map(spec.parse), [true, true, true, true]);
    assert.deepEqual(['0', 'no', 'OFF', 'false'].map(spec.parse), [false, false, false, false]);
    refuses(spec, '2', '"2" is neither yes nor no');
  });

  it('oneOf: in any case, and capitals in the words do not matter', () => {
    const spec = option.oneOf(['naughty', 'EHLO'], { doc: '' });
    assert.equal(spec.form, 'naughty|EHLO');
    assert.deepEqual(['Naughty', 'ehlo', 'EHLO'].map(spec.parse), ['naughty', 'EHLO', 'EHLO']);
    refuses(spec, 'x', '"x" is none of naughty, EHLO');
  });

  it('path: not empty, and not beyond a NUL', () => {
    const spec = option.path({ doc: '' });
    assert.equal(spec.parse('a b/c'), 'a b/c');
    refuses(spec, '', '"" is not a path');
    refuses(spec, 'a\0b', '"a\0b" is not a path');
  });

  it('mode: octal digits', () => {
    const spec = option.mode({ doc: '' });
    assert.deepEqual(['700', '0770', '1777'].map(spec.parse), [0o700, 0o770, 0o1777]);
    for (const text of ['8', '799', '77777', ''])
      refuses(spec, text, `"${text}" is not a mode in octal digits`);
  });

  it('words: all that are left', () => {
    const spec = option.words({ doc: 'hosts', form: 'HOST…' });
    assert.deepEqual([spec.rest, spec.form, spec.default], [true, 'HOST…', []]);
    assert.deepEqual(spec.parse(' a  b\tc '), ['a', 'b', 'c']);
    assert.deepEqual(spec.parse(''), []);
  });

  it('reject: off, on or naughty, and a type', () => {
    const { reject, reject_type } = option.reject();
    assert.deepEqual([reject.default, reject_type.default], ['on', 'perm']);
    assert.deepEqual(['0', 'no', '1', '7', 'Naughty', 'OFF'].map(reject.parse), [
      'off',
      'off',
      'on',
      'on',
      'naughty',
      'off',
    ]);
    refuses(reject, '-1', '"-1" is none of 0, 1 and naughty');
    assert.equal(reject_type.parse('TEMP_disconnect'), 'temp_disconnect');
    const quiet = option.reject({ default: 'naughty', type: 'soft' });
    assert.deepEqual([quiet.reject.shownDefault, quiet.reject_type.shownDefault], ['naughty', 'soft']);
    assert.equal(option.reject({ default: 'off' }).reject.shownDefault, '0');
  });
});
