import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HandshakeFailures } from '../../plugins/_tls-failures.ts';
import { HandClock } from '../server/support.ts';

function counting(most: number) {
  const clock = new HandClock();
  return { clock, failures: new HandshakeFailures(most, clock) };
}

describe('HandshakeFailures', () => {
  it('bears so many in ten minutes, and begins anew then', () => {
    const { clock, failures } = counting(2);
    failures.add('192.0.2.1');
    assert.equal(failures.hasTooMany('192.0.2.1'), false);
    clock.ms = 599_999;
    failures.add('192.0.2.1');
    assert.equal(failures.hasTooMany('192.0.2.1'), true);
    assert.equal(failures.hasTooMany('192.0.2.2'), false);
    clock.ms = 600_000;
    assert.equal(failures.hasTooMany('192.0.2.1'), false);
    failures.add('192.0.2.1');
    assert.equal(failures.hasTooMany('192.0.2.1'), false);
  });

  it('forgets them when one succeeds', () => {
    const { failures } = counting(1);
    failures.add('192.0.2.1');
    failures.forgive('192.0.2.1');
    assert.equal(failures.hasTooMany('192.0.2.1'), false);
  });

  it('takes an IPv6 client for its network of 64 bits', () => {
    const { failures } = counting(1);
    failures.add('2001:db8:1:2::3');
    assert.equal(failures.hasTooMany('2001:db8:1:2:ffff::4'), true);
    assert.equal(failures.hasTooMany('2001:db8:1:3::3'), false);
  });

  it('does not count those of this host, and none with 0', () => {
    const { failures } = counting(1);
    for (const ip of ['127.0.0.1', '127.8.8.8', '::1']) {
      failures.add(ip);
      assert.equal(failures.hasTooMany(ip), false, ip);
    }
    const open = counting(0).failures;
    open.add('192.0.2.1');
    assert.equal(open.hasTooMany('192.0.2.1'), false);
  });

  it('keeps no more than ten thousand addresses, the youngest', () => {
    const { failures } = counting(1);
    const ip = (at: number) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`;
    for (let at = 0; at <= 10_000; at++) failures.add(ip(at));
    assert.equal(failures.hasTooMany(ip(0)), false);
    assert.equal(failures.hasTooMany(ip(1)), true);
    assert.equal(failures.hasTooMany(ip(10_000)), true);
  });
});
