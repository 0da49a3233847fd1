import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keysOf } from '../../plugins/relay.ts';

describe('keysOf', () => {
  it('gives an IPv4 address and its prefixes', () => {
    assert.deepEqual(keysOf('192.0.2.9'), ['192.0.2.9', '192.0.2.', '192.0.', '192.']);
  });

  it('takes an IPv4-mapped address for the IPv4 address', () => {
    assert.deepEqual(keysOf('::ffff:192.0.2.9'), keysOf('192.0.2.9'));
  });

  it('gives an IPv6 address short and expanded, and its prefixes of both kinds', () => {
    const keys = keysOf('2001:DB8:5::1');
    const wanted = [
      '2001:db8:5::1',
      '2001:0db8:0005:0000:0000:0000:0000:0001',
      '2001:0db8:0005:',
      '2001:0db8:000',
      '2001:db8:5:',
      '2001:',
    ];
    for (const key of wanted) assert.ok(keys.includes(key), key);
    assert.equal(keys[0], '2001:db8:5::1');
    assert.equal(new Set(keys).size, keys.length);
  });

  it('leaves the zone of a link-local address out of its prefixes', () => {
    assert.ok(keysOf('fe80::1%eth0').includes('fe80:'));
  });
});
