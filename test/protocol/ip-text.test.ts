import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseIp } from '../../src/protocol/ip-address.ts';
import { showIp } from '../../src/protocol/ip-text.ts';

describe('showIp (RFC 5952)', () => {
  const cases = [
    ['192.0.2.1', '192.0.2.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:0DB8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['::', '::'],
    ['::1', '::1'],
    ['2001:db8::', '2001:db8::'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ] as const;
  for (const [text, shown] of cases) {
    it(`${text}: ${shown}`, () => {
      const address = parseIp(text);
      assert.ok(address);
      assert.equal(showIp(address), shown);
    });
  }
});
