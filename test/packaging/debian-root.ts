// A small Debian in a folder, to install packages in as an administrator would: made once by debootstrap from where
// this machine's own apt gets its packages, and kept below dist/. What a test needs besides is a layer over it, kept as
// well, and each test works on a layer of its own (overlayfs). Scripts run in it without an init, as in a container, or
// with a real systemd, which systemd-nspawn boots. Needs root.

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingPrograms } from './making.ts';

const root = join(import.meta.dirname, '..', '..');
const kept = join(root, 'dist', '.roots');
const base = [
  'init-system-helpers',
  'sysvinit-utils',
  'adduser',
  'libatomic1',
  'man-db',
  'procps',
  'logrotate',
];

/** Why these tests cannot run here; false where they can. */
export function whyNot(...programs: readonly string[]): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  return missingPrograms('debootstrap', 'unshare', 'swaks', ...programs);
}

const sh = (script: string) =>
  execFileSync('sh', ['-e', '-c', script], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    stdio: ['ignore', 'pipe', 'pipe'],
  });

// Certificates that this machine wants Node to have are not in the root.
const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;

function play(words: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(words[0] ?? '', words.slice(1), {
    encoding: 'utf8',
    timeout: 240_000,
    env,
  });
  if (status !== 0) throw new Error(`exit code ${status}\n${stdout}\n${stderr}`);
  return `${stdout}${stderr}`;
}

/** `inside` runs a command in the root, as an administrator who answers no questions. */
const withInside = (how: string, script: string) =>
  `inside() { ${how} env LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }\n${script}`;

function unshared(dir: string, flags: readonly string[], script: string): string {
  const mounts = `mount -t proc proc '${dir}/proc'; mount --rbind /dev '${dir}/dev'\n`;
  const words = ['--mount', '--pid', '--fork', '--kill-child', ...flags, 'sh', '-c'];
  return play(['unshare', ...words, withInside(`chroot '${dir}'`, mounts + script)]);
}

/** Whether init scripts may be started, though nothing here is process 1 (0), or not (101). */
const allowServices = (dir: string, code: 0 | 101) =>
  writeFileSync(join(dir, 'usr/sbin/policy-rc.d'), `#!/bin/sh\nexit ${code}\n`, { mode: 0o755 });

/** With the machine's network. */
function aptInstall(dir: string, words: readonly string[]): string {
  allowServices(dir, 101);
  const get = `inside apt-get install -q -y --no-install-recommends ${words.join(' ')} < /dev/null`;
  return unshared(dir, [], get);
}

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

/** Makes what is not kept yet in a folder of another name, which becomes the right one when it is whole. */
function keep(name: string, make: (dir: string) => void): string {
  const place = join(kept, name);
  if (existsSync(place)) return place;
  mkdirSync(kept, { recursive: true });
  const parent = mkdtempSync(join(kept, 'making-'));
  make(join(parent, 'debian'));
  // It is the folder / for users that are not root.
  chmodSync(join(parent, 'debian'), 0o755);
  renameSync(join(parent, 'debian'), place);
  rmSync(parent, { recursive: true });
  return place;
}

/** A folder that shows what is in others, the first on top, and takes changes into a folder of its own. */
interface Layered {
  readonly dir: string;
  remove(): void;
}

function layOver(lower: readonly string[], parent: string): Layered {
  const [dir, upper, work] = ['debian', 'changes', 'work'].map((name) => join(parent, name));
  for (const one of [dir, upper, work]) mkdirSync(one ?? '');
  const options = `lowerdir=${lower.join(':')},upperdir=${upper},workdir=${work}`;
  sh(`mount -t overlay overlay -o '${options}' '${dir}'`);
  // Lazily: a process that a test has left behind must not keep the folder.
  const remove = () => {
    sh(`umount --lazy '${dir}'`);
    rmSync(parent, { recursive: true, force: true });
  };
  return { dir: dir ?? '', remove };
}

/** The folders that make up a root with these packages, the topmost first. */
function prepare(packages: readonly string[]): string[] {
  const { uri, release } = source();
  const bottom = keep(`${release}-${base.join('-')}`, (dir) =>
    execFileSync('debootstrap', ['--variant=minbase', `--include=${base.join(',')}`, release, dir, uri], {
      stdio: 'ignore',
    }),
  );
  if (packages.length === 0) return [bottom];
  const layer = keep(`${release}+${packages.join('-')}`, (dir) => {
    const parent = mkdtempSync(join(kept, 'making-'));
    const layered = layOver([bottom], parent);
    try {
      aptInstall(layered.dir, packages);
      renameSync(join(parent, 'changes'), dir);
    } finally {
      layered.remove();
    }
  });
  return [layer, bottom];
}

/** A folder with the libraries of Debian for arm64, which qemu's user mode finds there. */
export function armLibraries(): string {
  const { uri, release } = source();
  return keep(`${release}-arm64`, (dir) => {
    const words = [
      '--arch=arm64',
      '--foreign',
      '--variant=minbase',
      '--include=libatomic1',
      release,
      dir,
      uri,
    ];
    execFileSync('debootstrap', words, { stdio: 'ignore' });
    // The first of its two steps unpacks the most necessary alone.
    sh(`dpkg-deb -x '${dir}'/var/cache/apt/archives/libatomic1_*.deb '${dir}'`);
  });
}

export interface Machine {
  /**
   * Runs a script whose network is that of the root, where port 25 is free. In it, `inside` runs a command in the root.
   * Gives what it printed.
   */
  run(script: string): string;
}

export interface DebianRoot extends Machine {
  readonly dir: string;
  /** Without an init: whatever the script leaves running is ended with it. */
  run(script: string): string;
  /** Starts systemd in it, with the network of `run` but nothing else; `end` shuts it down. */
  boot(): Promise<Machine & { end(): Promise<void> }>;
  /** With the machine's network, for apt. */
  install(...words: readonly string[]): string;
  read(path: string): string;
  remove(): void;
}

/** @param packages what the test needs in it */
export function makeRoot(...packages: readonly string[]): DebianRoot {
  const { dir, remove } = layOver(prepare(packages), mkdtempSync(join(tmpdir(), 'qpsmtpd-root-')));
  return {
    dir,
    run(script) {
      allowServices(dir, 0);
      return unshared(dir, ['--net'], `ip link set lo up\n${script}`);
    },
    boot: () => boot(dir),
    install: (...words) => aptInstall(dir, words),
    read: (path) => readFileSync(join(dir, path), 'utf8'),
    remove,
  };
}

const ended = (child: ChildProcess) =>
  new Promise<void>((resolve) => {
    if (child.exitCode !== null) resolve();
    else child.once('exit', () => resolve());
  });

const firstChildOf = (pid: number) =>
  readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' '))
    .find((word) => word !== '');

/** Once it has started all that it starts by itself. */
async function isUp(container: ChildProcess): Promise<string> {
  const until = Date.now() + 60_000;
  while (Date.now() < until && container.exitCode === null) {
    const leader = firstChildOf(container.pid ?? 0);
    if (leader !== undefined) {
      const words = [
        '-t',
        leader,
        '-m',
        '-u',
        '-i',
        '-n',
        '-p',
        '-r',
        '-w',
        'systemctl',
        'is-system-running',
      ];
      const { stdout } = spawnSync('nsenter', words, { encoding: 'utf8', env });
      if (/^(?:running|degraded)$/m.test(stdout)) return leader;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('systemd did not come up');
}

async function boot(dir: string): Promise<Machine & { end(): Promise<void> }> {
  rmSync(join(dir, 'usr/sbin/policy-rc.d'), { force: true });
  const words = [
    '--quiet',
    '--directory',
    dir,
    '--boot',
    '--private-network',
    '--register=no',
    '--keep-unit',
  ];
  const container = spawn('systemd-nspawn', [...words, '--link-journal=no'], { stdio: 'ignore', env });
  const end = async () => {
    // It takes this for the wish to shut down.
    container.kill('SIGTERM');
    const patience = setTimeout(() => container.kill('SIGKILL'), 10_000);
    await ended(container);
    clearTimeout(patience);
  };
  try {
    const leader = await isUp(container);
    const enter = `nsenter -t ${leader} -m -u -i -n -p -r -w`;
    return {
      run: (script) => play(['nsenter', '-t', leader, '-n', 'sh', '-c', withInside(enter, script)]),
      end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}
