import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConnectionLimits } from '../../src/server/connection-limits.ts';

const tooMany = 'too many connections';
const tooManyFromIp = 'too many connections from your address';

describe('ConnectionLimits', () => {
  it('lets in as many as may be there in all', () => {
    const limits = new ConnectionLimits({ connections: 2, fromIp: 0 });
    assert.equal(limits.enter('192.0.2.1'), null);
    assert.equal(limits.enter('192.0.2.2'), null);
    assert.equal(limits.enter('192.0.2.3'), tooMany);
    assert.equal(limits.total, 3);
  });

  it('lets in as many as may be there from one address', () => {
    const limits = new ConnectionLimits({ connections: 0, fromIp: 1 });
    assert.equal(limits.enter('192.0.2.1'), null);
    assert.equal(limits.enter('192.0.2.2'), null);
    assert.equal(limits.enter('192.0.2.1'), tooManyFromIp);
    assert.equal(limits.countFrom('192.0.2.1'), 2);
  });

  it('has room again when clients have left, those turned away too', () => {
    const limits = new ConnectionLimits({ connections: 1, fromIp: 1 });
    limits.enter('192.0.2.1');
    limits.enter('192.0.2.1');
    assert.equal(limits.enter('192.0.2.2'), tooMany);
    for (const ip of ['192.0.2.1', '192.0.2.1', '192.0.2.2']) limits.leave(ip);
    assert.equal(limits.total, 0);
    assert.equal(limits.countFrom('192.0.2.1'), 0);
    assert.equal(limits.enter('192.0.2.1'), null);
  });

  it('lets everybody in with limits of 0', () => {
    const limits = new ConnectionLimits({ connections: 0, fromIp: 0 });
    for (let at = 0; at < 1000; at++) assert.equal(limits.enter('192.0.2.1'), null);
  });

  it('counts a client in all before its address is known, and from there once it is', () => {
    const limits = new ConnectionLimits({ connections: 2, fromIp: 1 });
    assert.equal(limits.enter(null), null);
    assert.equal(limits.enter(null), null);
    assert.equal(limits.addresses, 0);
    assert.equal(limits.name('192.0.2.1'), null);
    assert.equal(limits.name('192.0.2.1'), tooManyFromIp);
    assert.equal(limits.enter(null), tooMany);
    assert.equal(limits.total, 3);
    for (const ip of ['192.0.2.1', '192.0.2.1', null]) limits.leave(ip);
    assert.equal(limits.total, 0);
    assert.equal(limits.addresses, 0);
  });

  it('counts clients of others from a later moment on, and tells its own', () => {
    const limits = new ConnectionLimits({ connections: 0, fromIp: 3 });
    limits.enter('192.0.2.1');
    limits.enter(null);
    const told: unknown[] = [];
    const others = {
      total: 2,
      countOf: (key: string) => (key === '192.0.2.1' ? 2 : 0),
      changed: (...what: unknown[]) => void told.push(what),
    };
    limits.share(() => others);
    assert.deepEqual(told, [
      [2, null, 0],
      [2, '192.0.2.1', 1],
    ]);
    assert.deepEqual([limits.total, limits.countFrom('192.0.2.1')], [4, 3]);
    assert.equal(limits.enter('192.0.2.1'), tooManyFromIp);
    // Once is enough.
    limits.share(() => assert.fail('asked for again'));
    assert.deepEqual(told.at(-1), [3, '192.0.2.1', 2]);
  });

  const sameNetwork = [
    ['2001:db8:1:2::1', '2001:db8:1:2:3:4:5:6'],
    ['2001:db8::1', '2001:db8:0:0:ffff::'],
    ['::1', '::ffff:0:1'],
    ['1::', '1::2'],
  ] as const;
  for (const [one, other] of sameNetwork) {
    it(`counts ${one} and ${other} as one`, () => {
      const limits = new ConnectionLimits({ connections: 0, fromIp: 1 });
      assert.equal(limits.enter(one), null);
      assert.equal(limits.enter(other), tooManyFromIp);
    });
  }

  const otherNetworks = [
    ['2001:db8:1:2::1', '2001:db8:1:3::1'],
    ['2001:db8::1', '2001:db8:0:1::1'],
    ['::1', '0:0:0:1::1'],
  ] as const;
  for (const [one, other] of otherNetworks) {
    it(`counts ${one} and ${other} apart`, () => {
      const limits = new ConnectionLimits({ connections: 0, fromIp: 1 });
      assert.equal(limits.enter(one), null);
      assert.equal(limits.enter(other), null);
    });
  }
});
