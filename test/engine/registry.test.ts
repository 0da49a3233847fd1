import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hookNames } from '../../src/contract/hooks.ts';
import { type BoundHandler, Registry } from '../../src/engine/registry.ts';

function bound(id: string): Omit<BoundHandler, 'number'> {
  return {
    plugin: id,
    hook: 'rcpt',
    instance: {
      id,
      reject: { mode: 'on', type: null, typeIsGiven: false },
      override: null,
      onError: null,
      timeoutMs: null,
      adjustLevel: (level) => level,
    },
    run: () => null,
    upTo: 'debug',
  };
}

describe('the registry', () => {
  it('has a chain for every hook, in the order of adding, those that go first in front', () => {
    const registry = new Registry();
    registry.add(bound('a'), false);
    registry.add(bound('b'), true);
    registry.add(bound('c'), false);
    const chains = registry.freeze();
    assert.deepEqual(Object.keys(chains), hookNames);
    assert.deepEqual(
      chains.rcpt.map(({ plugin }) => plugin),
      ['b', 'a', 'c'],
    );
    assert.deepEqual(chains.mail, []);
  });

  it('is frozen, and what is added later is not in it', () => {
    const registry = new Registry();
    const chains = registry.freeze();
    registry.add(bound('late'), false);
    assert.deepEqual(chains.rcpt, []);
    assert.throws(() => Reflect.apply(Array.prototype.push, chains.rcpt, [bound('x')]), TypeError);
    assert.equal(Reflect.set(chains, 'rcpt', []), false);
  });
});
