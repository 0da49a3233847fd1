import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeBase64, decodeUtf8, isCredential } from '../../src/protocol/auth-text.ts';

describe('base64 of a login (RFC 4648 section 4)', () => {
  it('is decoded', () => {
    assert.equal(decodeBase64('AHRpbQB0YW5zdGFhZnRhbnN0YWFm')?.toString(), '\0tim\0tanstaaftanstaaf');
    assert.equal(decodeBase64('')?.length, 0);
    assert.equal(decodeBase64('/+8=')?.toString('hex'), 'ffef');
  });

  const wrong = [
    '=',
    '====',
    'A',
    'AA',
    'AAA',
    'AA=',
    'AA==AA==',
    'AAAA\r',
    ' AAAA',
    'AA AA',
    '-_8=',
    'AA=A',
    'AB==',
    'AAA*',
    '*',
  ];
  for (const text of wrong) {
    it(`${JSON.stringify(text)} is none`, () => assert.equal(decodeBase64(text), null));
  }
});

describe('UTF-8 of a login (RFC 3629)', () => {
  it('is decoded, with all that stands in it', () => {
    assert.equal(decodeUtf8(Buffer.from('pässwörd \u{1f511}')), 'pässwörd \u{1f511}');
    assert.equal(decodeUtf8(Buffer.from('\ufeffa\0')), '\ufeffa\0');
  });

  for (const octets of ['ff', '80', 'c3', 'c0af', 'eda080', 'f4908080']) {
    it(`${octets} is none`, () => assert.equal(decodeUtf8(Buffer.from(octets, 'hex')), null));
  }
});

describe('credentials', () => {
  it('are not empty and hold neither NUL nor line ends', () => {
    assert.ok(isCredential('0'));
    assert.ok(isCredential('\x1b[2J \t ü'));
    for (const text of ['', 'a\0', '\rb', 'a\nb']) assert.equal(isCredential(text), false);
  });
});
