import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ArgsDef } from 'citty';
import { readArguments, UsageError } from '../../src/cli/arguments.ts';

const definitions = {
  config: { type: 'string' },
  'max-from-ip': { type: 'string' },
  json: { type: 'boolean' },
} satisfies ArgsDef;
const withWords = { ...definitions, plugin: { type: 'positional' } } satisfies ArgsDef;

const usageError = (message: RegExp) => (error: unknown) =>
  error instanceof UsageError && message.test(error.message);

describe('readArguments', () => {
  it('gives every value of an option in order, and the last one', () => {
    const args = readArguments(definitions, ['--config', 'a', '--config=b']);
    assert.deepEqual(args.texts('config'), ['a', 'b']);
    assert.equal(args.text('config'), 'b');
  });

  it('has nothing for what is not given', () => {
    const args = readArguments(definitions, []);
    assert.deepEqual(args.texts('config'), []);
    assert.equal(args.text('config'), undefined);
    assert.equal(args.flag('json'), false);
    assert.equal(args.count('max-from-ip', 7), 7);
  });

  it('reads flags and whole numbers', () => {
    const args = readArguments(definitions, ['--json', '--max-from-ip', '0']);
    assert.equal(args.flag('json'), true);
    assert.equal(args.count('max-from-ip', 7), 0);
  });

  for (const text of ['many', '1.5', '', '1e3', '9999999999']) {
    it(`refuses "${text}" for a number`, () => {
      const args = readArguments(definitions, ['--max-from-ip', text]);
      assert.throws(
        () => args.count('max-from-ip', 7),
        usageError(/^--max-from-ip .*: a whole number is needed$/),
      );
    });
  }

  it('takes words only where there are some', () => {
    assert.deepEqual(readArguments(withWords, ['relay', 'only', '--json']).positionals, ['relay', 'only']);
    assert.throws(() => readArguments(definitions, ['relay']), usageError(/^Unexpected argument 'relay'/));
  });

  it('refuses what it does not know, what lacks its value, and a value for a flag, in a sentence', () => {
    assert.throws(
      () => readArguments(definitions, ['--confg', 'a']),
      usageError(/^Unknown option '--confg'$/),
    );
    assert.throws(() => readArguments(definitions, ['--config']), usageError(/^Option '--config <value>'/));
    assert.throws(() => readArguments(definitions, ['--json=yes']), usageError(/^Option '--json'/));
    assert.throws(
      () => readArguments(definitions, ['--no-json']),
      usageError(/^Unknown option '--no-json'$/),
    );
  });
});
