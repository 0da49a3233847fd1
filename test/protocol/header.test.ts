import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Header } from '../../src/protocol/header.ts';

const header = (text: string) => new Header(Buffer.from(text, 'latin1'));
const text = (it: Header) => Buffer.concat(it.toBuffers()).toString('latin1');

test('originals stay byte for byte, lines that are no field in their place', () => {
  const original = 'From a\r\nA:  b\r\n\tc\nnonsense\r\n8bit: \xff\x80\r\nA: d';
  const it = header(original);
  assert.equal(it.get('a'), 'b\tc');
  assert.deepEqual(it.all('A'), ['b\tc', 'd']);
  assert.equal(text(it), original);
  it.addTop('X-New', 'one');
  assert.equal(text(it), `X-New: one\r\n${original}`);
  assert.equal(it.get('x-new'), 'one');
});

test('rename and delete find every field, in any case, and nothing else', () => {
  const it = header(
    'Authentication-Results: a\r\nX: authentication-results\r\nauthentication-RESULTS : b\r\n c\r\n',
  );
  assert.equal(it.rename('Authentication-Results', 'Original-Authentication-Results'), 2);
  assert.equal(
    text(it),
    'Original-Authentication-Results: a\r\nX: authentication-results\r\nOriginal-Authentication-Results : b\r\n c\r\n',
  );
  assert.equal(it.rename('Authentication-Results', 'Y'), 0);
  assert.equal(it.delete('original-authentication-results'), 2);
  assert.equal(text(it), 'X: authentication-results\r\n');
});

test('a value can add no field of its own', () => {
  const it = header('');
  it.addTop('X', 'a\r\nEvil: b\nMore: c\0\x1b');
  assert.equal(text(it), 'X: a\r\n\tEvil: b\r\n\tMore: c??\r\n');
  assert.throws(() => it.addTop('X: y\r\nEvil', 'a'), TypeError);
});

test('long values are folded at blanks and read back whole', () => {
  const value = Array.from({ length: 40 }, (_, at) => `word${at}`).join(' ');
  const it = header('');
  it.addBottom('Subject', value);
  for (const line of text(it).split('\r\n')) assert.ok(line.length <= 79, line);
  assert.equal(it.get('subject')?.replace(/\s+/g, ' '), value);
  it.addBottom('X-Long', 'x'.repeat(500));
  assert.ok(text(it).endsWith(`X-Long: ${'x'.repeat(500)}\r\n`));
});

test('non-ASCII values are written as UTF-8 and read back', () => {
  const it = header('');
  it.addBottom('Subject', 'grüße');
  assert.equal(it.get('Subject'), 'grüße');
  assert.equal(Buffer.concat(it.toBuffers()).toString('utf8'), 'Subject: grüße\r\n');
});

test('fields added below stay below after an added one on top', () => {
  const it = header('A: 1\r\n');
  it.addBottom('Z', '9');
  it.addTop('T', '0');
  assert.deepEqual(
    it.fields.map((field) => field.name),
    ['T', 'A', 'Z'],
  );
  assert.equal(it.size, text(it).length);
});

test('rename finds fields that were added on top, too', () => {
  const it = header('A: 1\r\n');
  it.addTop('A', '0');
  it.addTop('B', 'x');
  assert.equal(it.rename('a', 'C'), 2);
  assert.equal(text(it), 'B: x\r\nC: 0\r\nC: 1\r\n');
});

test('a field added below a line without an end begins a line of its own', () => {
  const it = header('A: 1');
  it.addBottom('Z', '9');
  assert.equal(text(it), 'A: 1\r\nZ: 9\r\n');
});

test('a letter whose last octet is that of a no-break space stays whole', () => {
  const it = header('');
  it.addTop('Subject', '\u00a0voil\u00e0');
  assert.equal(it.get('Subject'), '\u00a0voil\u00e0');
  assert.equal(text(it), 'Subject: \xc2\xa0voil\xc3\xa0\r\n');
});
