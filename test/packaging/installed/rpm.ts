// The RPM package in a root: installed, started, mailed to, upgraded and erased.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { whyNot } from '../debian-root.ts';
import { makePackage } from '../making.ts';
import { mail, mails, printed, rootWith, skip, skipBooted } from './support.ts';

const packages = mkdtempSync(join(tmpdir(), 'qpsmtpd-packages-'));
after(() => rmSync(packages, { recursive: true, force: true }));

describe('the RPM package', { skip: skip || whyNot('rpm', 'rpmbuild') }, () => {
  test('goes into a root, delivers, and goes out of it again', (t) => {
    const root = rootWith(t);
    const file = makePackage('rpm', packages);
    const rpm = (words: string) => `rpm --root '${root.dir}' --nodeps ${words}`;
    const said = root.run(`rpm --root '${root.dir}' --initdb
${rpm(`-i '${file}'`)}; echo "installed $?"
${rpm('-V qpsmtpd')}; echo "verified $?"
inside systemd-tmpfiles --create qpsmtpd.conf 2> /dev/null || systemd-tmpfiles --root='${root.dir}' --create qpsmtpd.conf
inside chown smtpd:smtpd /var/spool/qpsmtpd /home/smtpd/qpsmtpd/tmp
echo example.org > '${root.dir}/etc/qpsmtpd/local-rcpthosts'
chroot '${root.dir}' /usr/lib/qpsmtpd/run-qpsmtpd 2> '${root.dir}/log' &
server=$!
sleep 2
${mail('me@example.org')}
${mails(root)}
kill "$server"; wait "$server"; echo "ended $?"
${rpm('-e qpsmtpd')}; echo "erased $?"
inside sh -c 'test ! -e /usr/bin/qpsmtpd && test ! -e /usr/lib/qpsmtpd'; echo "gone $?"`);
    for (const step of ['installed', 'verified', 'ended', 'erased', 'gone']) printed(said, `${step} 0`);
    printed(said, 'mail to me@example.org: 0', 'mails: 1');
  });

  test('under systemd, hands over to its next version, which keeps edited settings', {
    skip: skipBooted,
  }, async (t) => {
    const root = rootWith(t, 'systemd-sysv', 'dbus', 'rpm');
    const rpm = (words: string) => `inside rpm --nodeps ${words}`;
    const place = (file: string, name: string) => `cp '${file}' '${join(root.dir, 'root', name)}'`;
    const older = makePackage('rpm', packages);
    const newer = makePackage('rpm', packages, { version: '9.0.0' });
    const machine = await root.boot();
    try {
      const said = machine.run(`${place(older, 'older.rpm')}; ${place(newer, 'newer.rpm')}
${rpm('-i /root/older.rpm')}; echo "installed $?"
inside sh -c 'echo example.org >> /etc/qpsmtpd/local-rcpthosts; echo "# mine" >> /etc/qpsmtpd/plugins'
inside systemctl is-enabled qpsmtpd
inside systemctl start qpsmtpd; echo "started $?"
old=$(inside systemctl show -P MainPID qpsmtpd)
${mail('me@example.org')}
${rpm('-U /root/newer.rpm')}; echo "upgraded $?"
[ "$old" != "$(inside systemctl show -P MainPID qpsmtpd)" ] && echo 'another process'
inside systemctl show -P NRestarts -P ActiveState qpsmtpd | tr '\\n' ' ' | sed 's/^/state: /'; echo
inside journalctl --no-pager -u qpsmtpd | grep -c 'handed over' | sed 's/^/handed over: /'
${mail('me@example.org')}
${mails(root)}
inside tail -n 1 /etc/qpsmtpd/plugins
${rpm('-e qpsmtpd')}; echo "erased $?"
inside systemctl is-active qpsmtpd
inside test -e /usr/bin/qpsmtpd || echo gone`);
      for (const step of ['installed', 'started', 'upgraded', 'erased']) printed(said, `${step} 0`);
      printed(said, 'another process', 'handed over: 1', 'mails: 2', '# mine', 'inactive', 'gone');
      assert.match(said, /^state: (?:0 active|active 0)/m);
    } finally {
      await machine.end();
    }
  });
});
