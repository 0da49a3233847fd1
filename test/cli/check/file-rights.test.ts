// What cannot be seen in owners and modes.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { obstacleToWriting } from '../../../src/cli/check/file-rights.ts';
import { OWN_USER, tempFolder } from './support.ts';

describe('a folder to write to', () => {
  const failing = (code: string) => () => {
    throw Object.assign(new Error(code), { code });
  };

  it('may lie on a disk that is mounted read-only', () => {
    const dir = tempFolder();
    assert.equal(obstacleToWriting(dir, OWN_USER), null);
    const text = 'lies on a file system that is mounted read-only';
    assert.equal(obstacleToWriting(dir, OWN_USER, failing('EROFS')), `it ${text}`);
    assert.equal(obstacleToWriting(join(dir, 'not', 'there'), OWN_USER, failing('EROFS')), `${dir} ${text}`);
  });

  it('may be closed to the process that asks and open to the server', () => {
    assert.equal(obstacleToWriting(tempFolder(), OWN_USER, failing('EACCES')), null);
  });
});
