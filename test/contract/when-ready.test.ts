import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { remembered, whenReady } from '../../src/contract/when-ready.ts';

describe('whenReady', () => {
  it('makes no promise of a value that is there', () => {
    assert.equal(
      whenReady(2, (two) => two + 1),
      3,
    );
  });

  it('waits for a promise', async () => {
    assert.equal(await whenReady(Promise.resolve(2), (two) => two + 1), 3);
  });
});

describe('remembered', () => {
  it('makes its value once for an object, and again for the next', () => {
    let made = 0;
    const count = remembered((list: readonly string[]) => `${++made} of ${list.length}`);
    const list = ['a'];
    assert.equal(count(list), '1 of 1');
    assert.equal(count(list), '1 of 1');
    assert.equal(count(['b']), '2 of 1');
  });
});
