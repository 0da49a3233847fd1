// Each answer to "where accepted mail goes", with a mail that arrives there: with the init script, and under a real
// systemd with the package's unit.

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { DebianRoot, Machine } from '../debian-root.ts';
import {
  answers,
  install,
  mail,
  mails,
  noRelay,
  Packages,
  printed,
  rootWith,
  runsAs,
  skip,
  skipBooted,
  status,
} from './support.ts';

const packages = new Packages();
after(() => packages.remove());

/** Waits for a line in a file that another program writes. */
const waitFor = (file: string, text: string) =>
  `for _ in $(seq 50); do inside grep -qs '${text}' ${file} && break; sleep 0.2; done; inside grep -s '${text}' ${file}`;

interface Method {
  readonly name: string;
  /** beside those of every root */
  readonly packages: readonly string[];
  prepare?(root: DebianRoot): void;
  /** before and after the mail */
  readonly script: (root: DebianRoot) => readonly [string, string];
  readonly shows: readonly (RegExp | string)[];
}

const methods: readonly Method[] = [
  {
    name: "maildir, in a folder of one's own",
    packages: [],
    script: (root) => [
      answers(
        'queue_plugin select maildir',
        'queue_maildir_destination string /home/mail/all',
        'rcpthosts string example.org',
      ),
      `${mails(root, '/home/mail/all/new')}; inside stat -c 'maildir %A %U' /home/mail/all`,
    ],
    shows: ['mail to alice@example.org: 0', 'mails: 1', 'maildir drwx------ smtpd'],
  },
  {
    // Nothing is answered but that it is to start: the package finds Postfix, and the domains that Postfix takes.
    name: 'postfix, found by itself with its domains',
    packages: ['postfix'],
    script: () => [
      `inside postconf -e 'mydestination = example.org' compatibility_level=3.6; inside postconf -MX smtp/inet
inside useradd -m alice; inside sh -c 'systemctl restart postfix@- || postfix start' > /dev/null 2>&1
${answers()}`,
      `${waitFor('/var/mail/alice', '^Subject: test')}
inside id -nG smtpd; inside cat /etc/qpsmtpd/debian-queue-method /etc/qpsmtpd/debian-rcpthosts`,
    ],
    shows: [
      'mail to alice@example.org: 0',
      /^Subject: test/m,
      'smtpd postdrop',
      'queue/postfix-queue',
      'example.org',
    ],
  },
  {
    name: 'exim, found by itself with its domains',
    packages: ['exim4-daemon-light'],
    script: () => [
      `inside useradd -m alice
inside sed -i "s/^dc_other_hostnames=.*/dc_other_hostnames='example.org'/" /etc/exim4/update-exim4.conf.conf
inside update-exim4.conf
inside systemctl stop exim4 2> /dev/null
${answers()}`,
      `${waitFor('/var/mail/alice', '^Subject: test')}
inside grep '^Return-path: <you@example.com>' /var/mail/alice
inside cat /etc/qpsmtpd/debian-queue-method /etc/qpsmtpd/debian-rcpthosts`,
    ],
    shows: [
      'mail to alice@example.org: 0',
      /^Subject: test/m,
      /^Return-path: <you@example.com>/m,
      'queue/exim-bsmtp',
      'example.org',
    ],
  },
  {
    // No release of Debian has qmail: a program in the place of qmail-queue stands for it, which writes what it gets.
    name: 'qmail, found by itself with its domains',
    packages: [],
    prepare: ({ dir }) => {
      for (const folder of ['bin', 'control', 'queue'])
        mkdirSync(join(dir, 'var/qmail', folder), { recursive: true });
      const program =
        '#!/bin/sh\ncat > /var/qmail/queue/message && tr "\\0" "\\n" <&1 > /var/qmail/queue/envelope\n';
      writeFileSync(join(dir, 'var/qmail/bin/qmail-queue'), program, { mode: 0o755 });
      writeFileSync(join(dir, 'var/qmail/control/rcpthosts'), 'example.org\n');
    },
    script: () => [
      `inside chmod 0777 /var/qmail/queue\n${answers()}`,
      `inside grep '^Subject: test' /var/qmail/queue/message; inside cat /var/qmail/queue/envelope
inside cat /etc/qpsmtpd/debian-queue-method /etc/qpsmtpd/debian-rcpthosts`,
    ],
    shows: [
      'mail to alice@example.org: 0',
      /^Subject: test/m,
      'Fyou@example.com',
      'Talice@example.org',
      'queue/qmail-queue',
      'example.org',
    ],
  },
  {
    name: 'proxy, to another qpsmtpd',
    packages: [],
    prepare: ({ dir }) => {
      const files: Readonly<Record<string, string>> = {
        plugins: 'rcpt_ok\nqueue/maildir /srv/next/Maildir\n',
        rcpthosts: 'example.org\n',
        spool_dir: '/srv/next/spool\n',
      };
      mkdirSync(join(dir, 'srv/next/spool'), { recursive: true, mode: 0o700 });
      for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, 'srv/next', name), text);
    },
    script: (root) => [
      answers(
        'queue_plugin select proxy',
        'queue_smtp_proxy_destination string 127.0.0.1:2525',
        'rcpthosts string example.org',
      ),
      mails(root, '/srv/next/Maildir/new'),
    ],
    shows: ['mail to alice@example.org: 0', 'mails: 1'],
  },
  {
    name: 'none, where every recipient is told to come back',
    packages: [],
    script: () => [
      answers('queue_plugin select none', 'queue_none_confirm boolean true', 'rcpthosts string example.org'),
      'inside cat /etc/qpsmtpd/debian-queue-method',
    ],
    shows: [/mail to alice@example.org: 2[0-9]/],
  },
];

/** What a user would do who has the package and no more. */
function deliver(root: DebianRoot, machine: Machine, { name, script }: Method): string {
  const [before, after] = script(root);
  const next = name.startsWith('proxy')
    ? `inside qpsmtpd serve --config /srv/next --listen 127.0.0.1:2525 --user root --pid-file /run/next > /dev/null 2>&1 & sleep 2`
    : '';
  const said = machine.run(`${before}
${install}
${noRelay(root)}
${status}
${runsAs}
${next}
sleep 1.2
${mail('alice@example.org')}
${mail('alice@elsewhere.example')}
${after}
${next === '' ? '' : `inside sh -c 'kill $(cat /run/next)'; wait`}`);
  return said;
}

function judge(said: string, { shows }: Method): void {
  printed(said, 'installed 0', 'status 0', 'runs as: smtpd', ...shows);
  assert.match(said, /mail to alice@elsewhere.example: 2[0-9]/, 'no domain of ours');
}

for (const [manager, why] of [
  ['the init script', skip],
  ['systemd', skipBooted],
] as const) {
  describe(`the queue method of the Debian package, with ${manager}`, { skip: why }, () => {
    for (const method of methods) {
      test(method.name, async (t) => {
        const isBooted = manager === 'systemd';
        const root = rootWith(t, ...method.packages, ...(isBooted ? ['systemd-sysv', 'dbus'] : []));
        method.prepare?.(root);
        packages.put(root);
        if (!isBooted) return judge(deliver(root, root, method), method);
        const machine = await root.boot();
        try {
          judge(deliver(root, machine, method), method);
        } finally {
          await machine.end();
        }
      });
    }
  });
}
