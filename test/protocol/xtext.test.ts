import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeXtext, encodeXtext } from '../../src/protocol/xtext.ts';

test('every octet comes back (RFC 3461 section 4)', () => {
  const octets = Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet)).join('');
  const encoded = encodeXtext(octets);
  assert.match(encoded, /^[!-~]+$/);
  assert.doesNotMatch(encoded, /=/);
  assert.equal(decodeXtext(encoded), octets);
});

test('only what must be is written as hex digits', () => {
  assert.equal(encodeXtext('a.b@c;!~'), 'a.b@c;!~');
  assert.equal(encodeXtext('a+b=c d\n\xff'), 'a+2Bb+3Dc+20d+0A+FF');
});

test('text that is no xtext is null', () => {
  for (const bad of ['a b', 'a=b', '+', '+2', '+2b', '+GG', 'a\x7f', 'a\xe9', 'a\n']) {
    assert.equal(decodeXtext(bad), null, bad);
  }
  assert.equal(decodeXtext(''), '');
  assert.equal(decodeXtext('+2B+2b'), null);
});
