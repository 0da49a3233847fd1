// The packages as an administrator meets them: installed into a Debian, answered, started by the init script, mailed
// to, taken over from Debian's qpsmtpd 0.94-5, and purged. Run by "npm run test:packages" as root, after "npm run
// build"; it fetches a small Debian the first time and takes about two minutes.

import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { type DebianRoot, makePackage, makeRoot, whyNot } from './debian-root.ts';

const base = ['init-system-helpers', 'sysvinit-utils', 'adduser', 'libatomic1', 'man-db', 'procps'];
const mail = (to: string, from = 'you@example.com') =>
  `swaks --server 127.0.0.1 --from ${from} --to ${to} --silent 3 --helo client.example; echo "mail to ${to}: $?"`;

const answers = `inside debconf-set-selections <<'END'
qpsmtpd qpsmtpd/startup_enabled boolean true
qpsmtpd qpsmtpd/listen_interfaces string 127.0.0.1
qpsmtpd qpsmtpd/queue_plugin select maildir
qpsmtpd qpsmtpd/rcpthosts string example.org example.net
END`;
// The client of these tests comes from 127.0.0.1, which may relay at first.
const noRelay = (root: DebianRoot) => `: > '${root.dir}/etc/qpsmtpd/relayclients'`;
const mails = (root: DebianRoot) => `echo "mails: $(ls '${root.dir}/var/spool/qpsmtpd/Maildir/new' | wc -l)"`;
const leftOvers = `inside find / -xdev -name '*qpsmtpd*' -not -path '/proc/*' -not -path '/root/*' -not -path '/var/cache/*' | sed 's/^/left: /'
inside getent passwd smtpd qpsmtpd | sed 's/^/left: /'
inside dpkg-statoverride --list '*qpsmtpd*' | sed 's/^/left: /'
inside ls /home | sed 's/^/left: /'`;

const skip = whyNot('dpkg-deb');
const packages = mkdtempSync(join(tmpdir(), 'qpsmtpd-packages-'));
after(() => rmSync(packages, { recursive: true, force: true }));

function rootWithPackage(t: { after(done: () => void): void }, ...more: readonly string[]): DebianRoot {
  const root = makeRoot(...base, ...more);
  t.after(() => root.remove());
  copyFileSync(makePackage('deb', packages), join(root.dir, 'root', 'qpsmtpd.deb'));
  return root;
}

describe('the Debian package', { skip }, () => {
  test('starts when told to, delivers, reads as a manual, and leaves nothing when purged', (t) => {
    const root = rootWithPackage(t);
    root.install('/root/qpsmtpd.deb');
    const off = root.run(
      'inside /etc/init.d/qpsmtpd start; inside /etc/init.d/qpsmtpd status; echo "status $?"',
    );
    assert.match(off, /status 3/, 'off until somebody says so');
    const said = root.run(`${answers}
${noRelay(root)}
inside dpkg-reconfigure qpsmtpd
inside /etc/init.d/qpsmtpd status; echo "status $?"
inside sh -c 'ps -o user= -p "$(cat /run/qpsmtpd/qpsmtpd.pid)"' | sed 's/^/runs as: /'
${mail('me@example.org')}
${mail('me@elsewhere.example')}
inside /etc/init.d/qpsmtpd reload; echo "reload $?"
${mail('me@example.net')}
${mails(root)}
inside man qpsmtpd | head -n 4
inside /etc/init.d/qpsmtpd restart; echo "restart $?"
inside /etc/init.d/qpsmtpd stop; echo "stop $?"
rm -r '${root.dir}/var/spool/qpsmtpd/Maildir'
inside dpkg --purge qpsmtpd
${leftOvers}`);
    assert.match(said, /status 0/);
    assert.doesNotMatch(said, /runs as: +root/);
    assert.match(said, /mail to me@example.org: 0/);
    assert.match(said, /mail to me@elsewhere.example: 24/, 'no recipient accepted');
    assert.match(said, /mail to me@example.net: 0/);
    assert.match(said, /mails: 2/);
    assert.match(said, /plugin-driven SMTP daemon/);
    for (const action of ['reload', 'restart', 'stop']) assert.match(said, new RegExp(`${action} 0`));
    assert.doesNotMatch(said, /^left: /m);
  });

  test('takes over from 0.94-5: its answers, its user, its spool, and files that were edited', (t) => {
    const root = rootWithPackage(t, 'libnet-ip-perl', 'ca-certificates');
    root.run(answers);
    root.install('qpsmtpd=0.94-5');
    const said = root.run(`echo '@spam.example' >> '${root.dir}/etc/qpsmtpd/badmailfrom'
inside /etc/init.d/qpsmtpd start
sleep 2
swaks --server 127.0.0.1 --from you@example.com --to me@example.org --quit-after RCPT --silent 3; echo "Perl: $?"
inside dpkg --force-confold -i /root/qpsmtpd.deb
inside /etc/init.d/qpsmtpd status; echo "status $?"
${mail('after@example.org')}
${noRelay(root)}
sleep 2
${mail('me@example.org', 'me@spam.example')}
${mails(root)}
inside /etc/init.d/qpsmtpd stop
inside stat -c 'spool of %U' /var/spool/qpsmtpd`);
    assert.match(said, /Perl: 0/, 'the one in Perl ran; its check_loop refuses every message');
    assert.match(said, /status 0/);
    assert.match(said, /mail to after@example.org: 0/);
    assert.match(said, /mail to me@example.org: 2[0-9]/, 'the edited list counts');
    assert.match(said, /mails: 1/);
    assert.match(said, /spool of qpsmtpd/);
    assert.match(root.read('etc/qpsmtpd/debconf-settings'), /^RUNAS="qpsmtpd"$/m);
    assert.match(root.read('etc/qpsmtpd/spool_dir'), /^\/var\/spool\/qpsmtpd$/m);
    const purged = root.run(`rm -r '${root.dir}/var/spool/qpsmtpd/Maildir'
inside dpkg --purge qpsmtpd
${leftOvers}`);
    assert.doesNotMatch(purged, /^left: /m);
  });
});

describe('the RPM package', { skip: skip || whyNot('rpm', 'rpmbuild') }, () => {
  test('goes into a root, delivers, and goes out of it again', (t) => {
    const root = makeRoot(...base);
    t.after(() => root.remove());
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
    for (const step of ['installed', 'verified', 'ended', 'erased', 'gone']) {
      assert.match(said, new RegExp(`${step} 0`), said);
    }
    assert.match(said, /mail to me@example.org: 0/);
    assert.match(said, /mails: 1/);
  });
});
