// A small Debian in a folder, to install packages in as an administrator would: made once by debootstrap from where
// this machine's own apt gets its packages, kept below dist/, and copied for each test. Needs root.

import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');
const kept = join(root, 'dist', '.roots');

/** Why these tests cannot run here; false where they can. */
export function whyNot(...programs: readonly string[]): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  const missing = ['debootstrap', 'unshare', 'swaks', ...programs].filter(
    (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0,
  );
  return missing.length > 0 ? `needs ${missing.join(', ')}` : false;
}

const sh = (script: string) =>
  execFileSync('sh', ['-e', '-c', script], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** Where apt gets the packages of this machine's own release. */
function source(): { uri: string; release: string } {
  const fields = [
    'indextargets',
    '--format',
    '$(REPO_URI) $(RELEASE)',
    'Created-By: Packages',
    'Label: Debian',
  ];
  const [first = ''] = execFileSync('apt-get', fields, { encoding: 'utf8' }).split('\n');
  const [uri = '', release = ''] = first.split(' ');
  return { uri, release };
}

/** @param packages what the tests need, installed before the copies are made */
function prepare(packages: readonly string[]): string {
  const { uri, release } = source();
  const place = join(kept, `${release}-${packages.join('-')}`);
  if (existsSync(place)) return place;
  mkdirSync(kept, { recursive: true });
  const work = mkdtempSync(join(kept, 'making-'));
  const options = ['--variant=minbase', `--include=${packages.join(',')}`];
  execFileSync('debootstrap', [...options, release, work, uri], { stdio: 'ignore' });
  // It is the folder / for users that are not root.
  chmodSync(work, 0o755);
  renameSync(work, place);
  return place;
}

export interface DebianRoot {
  readonly dir: string;
  /**
   * Runs a script with a network of its own, so that port 25 is free, and ends whatever it leaves running. In it,
   * `inside` runs a command in the root. Gives what it printed.
   */
  run(script: string): string;
  /** With the machine's network, for apt. */
  install(...words: readonly string[]): string;
  read(path: string): string;
  remove(): void;
}

export function makeRoot(...packages: readonly string[]): DebianRoot {
  const from = prepare(packages);
  const parent = mkdtempSync(join(tmpdir(), 'qpsmtpd-root-'));
  const dir = join(parent, 'debian');
  sh(`cp -a --reflink=auto '${from}' '${dir}'`);
  // Whether init scripts may be started, though nothing here is process 1 (0), or not (101).
  const allowServices = (code: 0 | 101) =>
    writeFileSync(join(dir, 'usr/sbin/policy-rc.d'), `#!/bin/sh\nexit ${code}\n`, { mode: 0o755 });
  // Certificates that this machine wants Node to have are not in the root.
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const start = `mount -t proc proc '${dir}/proc'; mount --bind /dev '${dir}/dev'
inside() { DEBIAN_FRONTEND=noninteractive chroot '${dir}' "$@"; }`;
  const play = (flags: readonly string[], script: string) => {
    const words = ['--mount', '--pid', '--fork', '--kill-child', ...flags, 'sh', '-c', `${start}\n${script}`];
    const { stdout, stderr, status } = spawnSync('unshare', words, {
      encoding: 'utf8',
      timeout: 240_000,
      env,
    });
    if (status !== 0) throw new Error(`exit code ${status}\n${stdout}\n${stderr}`);
    return `${stdout}${stderr}`;
  };
  return {
    dir,
    run(script) {
      allowServices(0);
      return play(['--net'], `ip link set lo up\n${script}`);
    },
    install(...words) {
      allowServices(101);
      return play([], `inside apt-get install -q -y --no-install-recommends ${words.join(' ')} < /dev/null`);
    },
    read: (path) => readFileSync(join(dir, path), 'utf8'),
    remove: () => rmSync(parent, { recursive: true, force: true }),
  };
}

/** Makes a package of dist/qpsmtpd, quickly, and gives its file. */
export function makePackage(kind: 'deb' | 'rpm', out: string): string {
  const words = [join(root, 'scripts', `package-${kind}.ts`), '--compression', 'none', '--out', out];
  const said = execFileSync(process.execPath, words, { cwd: root, encoding: 'utf8' });
  return said.slice(0, said.lastIndexOf(': '));
}
