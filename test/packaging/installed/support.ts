// What the tests of installed packages share: answers to the package's questions, mail from a client, and what is left.

import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DebianRoot, makeRoot, whyNot } from '../debian-root.ts';
import { type Making, makePackage } from '../making.ts';

export const skip = whyNot('dpkg-deb');
export const skipBooted = skip || whyNot('systemd-nspawn', 'nsenter');

/** Ends with "mail to ADDRESS: EXIT CODE", where 0 means that it was taken. The client may not relay. */
export const mail = (to: string, from = 'you@example.com') =>
  `swaks --server 127.0.0.1 --from ${from} --to ${to} --silent 3 --helo client.example; echo "mail to ${to}: $?"`;

/** The client of these tests comes from 127.0.0.1, which may relay at first, and skips checks. */
export const noRelay = (root: DebianRoot) => `: > '${root.dir}/etc/qpsmtpd/relayclients'`;

export const mails = (root: DebianRoot, folder = '/var/spool/qpsmtpd/Maildir/new') =>
  `echo "mails: $(ls '${root.dir}${folder}' | wc -l)"`;

/** @param more lines such as "queue_plugin select exim" */
export const answers = (...more: readonly string[]) => `inside debconf-set-selections <<'END'
${['startup_enabled boolean true', 'listen_interfaces string 127.0.0.1', ...more].map((line) => `qpsmtpd qpsmtpd/${line}`).join('\n')}
END`;

export const toMaildir = answers('queue_plugin select maildir', 'rcpthosts string example.org example.net');

export const install = 'inside dpkg --force-confold -i /root/qpsmtpd.deb; echo "installed $?"';
export const status = 'inside service qpsmtpd status > /dev/null 2>&1; echo "status $?"';
/** Who runs it, from the file of the init script or from systemd. */
export const runsAs = `inside sh -c 'ps -o user:20= -p "$(systemctl show -P MainPID qpsmtpd 2> /dev/null || cat /run/qpsmtpd/qpsmtpd.pid)"' | sed 's/^/runs as: /'`;

/** Everything in the root that a package could have left: files, users, groups, statoverrides, services. */
export const everything = `inside find / -xdev -not -path '/proc/*' -not -path '/root/*' -not -path '/var/cache/*' \\
  -not -path '/tmp/*' -not -path '/var/lib/dpkg/*' -not -path '/var/l*/apt/*' -not -path '/dev/*' -not -path '/var/log/*.log' -not -name '*-' | sort
inside getent passwd; inside getent group; inside dpkg-statoverride --list || true`;

export interface Ending {
  after(done: () => void): void;
}

export function rootWith(t: Ending, ...packages: readonly string[]): DebianRoot {
  const root = makeRoot(...packages);
  t.after(() => root.remove());
  return root;
}

/** Makes packages, each once for one file of tests. */
export class Packages {
  readonly #out = mkdtempSync(join(tmpdir(), 'qpsmtpd-packages-'));
  readonly #made = new Map<string, string>();

  /** Lays it into the root as /root/NAME. */
  put(root: DebianRoot, name = 'qpsmtpd.deb', making: Making = {}): void {
    const key = JSON.stringify(making);
    const file = this.#made.get(key) ?? makePackage('deb', this.#out, making);
    this.#made.set(key, file);
    copyFileSync(file, join(root.dir, 'root', name));
  }

  remove(): void {
    rmSync(this.#out, { recursive: true });
  }
}

/** All of these in what was printed. */
export function printed(said: string, ...wanted: readonly (RegExp | string)[]): void {
  for (const one of wanted) {
    const found = typeof one === 'string' ? `${said}\n`.includes(`${one}\n`) : one.test(said);
    assert.ok(found, `no ${one} in:\n${said}`);
  }
}
