import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, it } from 'node:test';
import { parseIp } from '../../src/protocol/ip-address.ts';

describe('parseIp', () => {
  it('takes what node:net takes, and nothing else', () => {
    const parts = ['', '0', '1', 'ffff', 'FFFF', '12345', 'g', '1.2.3.4', '1.2.3', '01.2.3.4'];
    let seed = 7;
    for (let round = 0; round < 4000; round++) {
      const words: string[] = [];
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      const length = (seed >>> 16) % 10;
      for (let at = 0; at < length; at++) {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
        words.push(parts[(seed >>> 16) % parts.length] ?? '');
      }
      const text = words.join(':');
      assert.equal(parseIp(text) !== null, isIP(text) !== 0, text);
    }
  });

  it('gives the words, and one word for a mapped IPv4 address', () => {
    assert.deepEqual(parseIp('192.0.2.1'), { family: 4, words: [0xc0000201] });
    assert.deepEqual(parseIp('2001:db8::1'), { family: 6, words: [0x20010db8, 0, 0, 1] });
    assert.deepEqual(parseIp('::ffff:192.0.2.1'), { family: 4, words: [0xc0000201] });
  });
});
