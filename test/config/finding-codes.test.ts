// The table of codes is what scripts rely on: every code is said somewhere, and has a meaning of its own.

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { findingCodes } from '../../src/config/finding-codes.ts';

const root = join(import.meta.dirname, '../..');
const sources = globSync('src/**/*.ts', { cwd: root })
  .filter((file) => !file.endsWith('finding-codes.ts'))
  .map((file) => readFileSync(join(root, file), 'utf8'))
  .join('\n');

describe('codes of findings', () => {
  for (const code of Object.keys(findingCodes)) {
    it(`${code} is in use`, () => assert.ok(sources.includes(`'${code}'`)));
  }

  it('mean something different each', () => {
    const meanings = Object.values(findingCodes);
    assert.equal(new Set(meanings).size, meanings.length);
  });
});
