// What mandoc and groff say of the manual: nothing. Each is asked where it is installed (Debian: mandoc, groff).

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { root } from './support.ts';

const folder = join(root, 'man');
const pages = readdirSync(folder).sort();

const linters: Readonly<Record<string, readonly string[]>> = {
  mandoc: ['-Tlint'],
  groff: ['-man', '-ww', '-z'],
};

// A line of the source may be long: that is for those who write it.
const isOfTheSource = (line: string): boolean => /STYLE: input text line longer than/.test(line);

function complaints(program: string, page: string, input?: string): string[] {
  const args = [...(linters[program] ?? []), ...(input === undefined ? [join(folder, page)] : [])];
  const { stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', input });
  if (error !== undefined) throw error;
  return `${stdout}${stderr}`.split('\n').filter((line) => line !== '' && !isOfTheSource(line));
}

for (const program of Object.keys(linters)) {
  const missing = spawnSync(program, ['-Tascii'], { input: '' }).error !== undefined;
  const skip = missing ? `${program} is not installed` : false;
  describe(`${program} ${linters[program]?.join(' ')}`, { skip }, () => {
    for (const page of pages) {
      it(`has nothing to say of ${page}`, () => assert.deepEqual(complaints(program, page), []));
    }

    it('would say so', () => {
      assert.notDeepEqual(
        complaints(program, '', '.TH X 1 2026-01-01\n.SH NAME\nx \\- y\n.nosuch\n\\*[nono]\n'),
        [],
      );
    });
  });
}
