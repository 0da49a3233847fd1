// The packages as lintian and rpmlint see them, for each kind of machine whose executable has been built: no errors and
// no warnings but those that the package argues about (packaging/deb/lintian-overrides, packaging/rpm/rpmlint.toml).

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { executableFor, type Making, makePackage, missingPrograms, notBuilt } from '../making.ts';

const out = mkdtempSync(join(tmpdir(), 'qpsmtpd-lint-'));
after(() => rmSync(out, { recursive: true, force: true }));

// Settings of one's own for these programs are not the package's.
const env = { ...process.env, HOME: out, XDG_CONFIG_HOME: out, XDG_CONFIG_DIRS: out, LC_ALL: 'C.UTF-8' };

function look(program: string, words: readonly string[]): { said: string; status: number | null } {
  const { stdout, stderr, status, error } = spawnSync(program, words, { encoding: 'utf8', env });
  if (error !== undefined) throw error;
  return { said: `${stdout}${stderr}`, status };
}

/** lintian minds a package that is not compressed. */
const released = (kind: 'deb' | 'rpm', arch: NonNullable<Making['arch']>) =>
  makePackage(kind, out, { arch, compression: 'gzip' });

/** All of these belong to glibc, which names its version in each. */
const glibc = /^(?:libc|libm|libdl|libpthread|ld-linux-.*)\.so\.\d$/;

/** What rpm calls the newest versions of libraries that an executable is linked with. */
function librariesOf(executable: string): string[] {
  const { said } = look('readelf', ['--wide', '--version-info', executable]);
  const newest = new Map<string, string>();
  let library = '';
  for (const line of said.split('\n')) {
    library = / File: (\S+)/.exec(line)?.[1] ?? library;
    const [, family, version = ''] = / Name: (\w+)_(\d[\d.]*)/.exec(line) ?? [];
    if (family === undefined) continue;
    const key = `${glibc.test(library) ? 'libc.so.6' : library}(${family}_`;
    const known = newest.get(key);
    if (known === undefined || known.localeCompare(version, 'en', { numeric: true }) < 0)
      newest.set(key, version);
  }
  return [...newest].map(([key, version]) => `${key}${version})(64bit)`).sort();
}

for (const arch of ['x64', 'arm64'] as const) {
  describe(`the packages for ${arch}`, () => {
    test('are good for lintian', { skip: notBuilt(arch) || missingPrograms('lintian', 'dpkg-deb') }, () => {
      const file = released('deb', arch);
      const options = ['--no-cfg', '--no-user-dirs', '--ignore-lintian-env', '--allow-root'];
      const levels = ['--display-info', '--show-overrides'];
      const { said, status } = look('lintian', [...options, '--color', 'never', ...levels, file]);
      const minded = said.split('\n').filter((line) => /^[EW]: /.test(line));
      assert.deepEqual(minded, [], 'what it minds');
      const idle = said
        .split('\n')
        .filter((line) => /^.: .*(?:unused|mismatched|malformed)-override/.test(line));
      assert.deepEqual(idle, [], 'overrides of what it does not mind');
      assert.match(said, /^O: qpsmtpd: embedded-library /m, `it has looked into the executable:\n${said}`);
      // 1: it has broken down; 2: an error, which may be one that is argued about.
      assert.notEqual(status, 1, said);
    });

    test('are good for rpmlint', { skip: notBuilt(arch) || missingPrograms('rpmlint', 'rpmbuild') }, () => {
      const file = released('rpm', arch);
      const settings = join(import.meta.dirname, '..', '..', '..', 'packaging', 'rpm', 'rpmlint.toml');
      const { said, status } = look('rpmlint', ['--strict', '--config', settings, file]);
      assert.match(said, /\b1 packages and 0 specfiles checked; 0 errors, 0 warnings\b/, said);
      assert.equal(status, 0, said);
    });

    test('ask rpm for the libraries of their executable', {
      skip: notBuilt(arch) || missingPrograms('rpmbuild', 'readelf'),
    }, () => {
      const { said } = look('rpm', ['-qp', '--requires', released('rpm', arch)]);
      const asked = said.split('\n').filter((line) => line.includes('.so.'));
      const wanted = librariesOf(executableFor(arch));
      assert.ok(wanted.length >= 4);
      assert.deepEqual(asked.sort(), wanted);
    });
  });
}
