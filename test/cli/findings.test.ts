import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findingText, hasErrors } from '../../src/cli/findings.ts';
import type { Finding } from '../../src/config/errors.ts';

const finding: Finding = {
  severity: 'error',
  code: 'BAD_LINE',
  where: { file: 'config/badhelo', line: 3 },
  text: 'this is no name',
  hint: 'write a name',
};

describe('findingText', () => {
  it('has place, sentence and hint', () => {
    assert.equal(findingText(finding), 'config/badhelo:3: this is no name (write a name)');
  });

  it('leaves out what there is not', () => {
    assert.equal(findingText({ ...finding, where: null, hint: null }), 'this is no name');
    assert.equal(
      findingText({ ...finding, where: { file: 'config/me' }, hint: null }),
      'config/me: this is no name',
    );
  });
});

describe('hasErrors', () => {
  it('is not moved by warnings', () => {
    const warning: Finding = { ...finding, severity: 'warning' };
    assert.equal(hasErrors([]), false);
    assert.equal(hasErrors([warning, warning]), false);
    assert.equal(hasErrors([warning, finding]), true);
  });
});
