import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  badValue,
  ConfigError,
  duplicatePlugin,
  findingOf,
  findingOfThrown,
  quoted,
} from '../../src/config/errors.ts';

describe('ConfigError', () => {
  it('reads FILE:LINE: sentence', () => {
    const error = badValue({ file: 'config/databytes', line: 3 }, 'lots', 'a whole number');
    assert.equal(error.message, 'config/databytes:3: "lots" is not a whole number');
    assert.equal(String(error), error.message);
    assert.equal(error.code, 'BAD_VALUE');
    assert.ok(error instanceof Error);
  });

  it('does without a line and without a place', () => {
    assert.equal(new ConfigError('BAD_VALUE', { file: 'config/me' }, 'is odd').message, 'config/me: is odd');
    assert.equal(new ConfigError('BAD_VALUE', null, 'is odd').message, 'is odd');
  });

  it('becomes a finding with the place apart from the sentence', () => {
    const where = { file: 'p', line: 2 };
    const error = duplicatePlugin(where, 'relay:0', { file: 'p', line: 1 });
    assert.deepEqual(findingOf(error, 'warning'), {
      severity: 'warning',
      code: 'DUPLICATE_PLUGIN',
      where,
      text: 'plugin "relay:0" is already loaded by p:1',
      hint: 'a second load needs a number: relay:1',
    });
  });

  it('lets other errors pass', () => {
    const defect = new TypeError('ours');
    assert.throws(() => findingOfThrown(defect), defect);
  });
});

describe('quoted', () => {
  it('disarms what a terminal would obey and cuts what is long', () => {
    assert.equal(quoted('a\x1b[2Jb\x9b\x7f'), '"a\\x1b[2Jb\\x9b\\x7f"');
    assert.equal(quoted('x'.repeat(100)), `"${'x'.repeat(80)}…"`);
  });
});
