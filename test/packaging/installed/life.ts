// The Debian package from the first installation to the purge, and from one version of it to the next.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import {
  answers,
  everything,
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
  toMaildir,
} from './support.ts';

const packages = new Packages();
after(() => packages.remove());

const newer = { version: '9.0.0' };
const upgrade = 'inside dpkg --force-confold -i /root/newer.deb; echo "upgraded $?"';
/** A client that is in the middle of its session while the server is replaced: it ends with 221. */
const slowClient = (log: string) =>
  `{ printf 'EHLO client.example\\r\\n'; sleep 6; printf 'QUIT\\r\\n'; sleep 1; } | inside nc -q 2 127.0.0.1 25 > '${log}' & slow=$!; sleep 2`;
/** New clients all the while, one after another: none may be refused. */
const newClients = (log: string) =>
  `( while :; do swaks --server 127.0.0.1 --from a@example.com --to b@example.org --quit-after RCPT --silent 3 > /dev/null 2>&1; echo "client $?"; done > '${log}' ) & busy=$!`;
const countClients = (log: string) => `kill $busy; sed -i '$d' '${log}'; sort '${log}' | uniq -c`;

describe('the Debian package', { skip }, () => {
  test('starts when told to, delivers, and leaves nothing when purged', (t) => {
    const root = rootWith(t);
    packages.put(root);
    // debconf and update-rc.d make folders of their own with the first package that needs them.
    const before = root.run(`inside update-rc.d dummy remove; ${everything}`);
    root.install('/root/qpsmtpd.deb');
    const off = root.run(`inside /etc/init.d/qpsmtpd start; ${status}`);
    assert.match(off, /status 3/, 'off until somebody says so');
    const said = root.run(`${toMaildir}
${noRelay(root)}
inside dpkg-reconfigure qpsmtpd
${status}
${runsAs}
${mail('me@example.org')}
${mail('me@elsewhere.example')}
inside /etc/init.d/qpsmtpd reload; echo "reload $?"
${mail('me@example.net')}
${mails(root)}
inside qpsmtpd check-config --config /etc/qpsmtpd 2>&1 | sed 's/^/check: /'
inside /etc/init.d/qpsmtpd restart; echo "restart $?"
inside /etc/init.d/qpsmtpd stop; echo "stop $?"
rm -r '${root.dir}/var/spool/qpsmtpd/Maildir'
inside dpkg --purge qpsmtpd`);
    printed(said, 'status 0', 'runs as: smtpd', 'mails: 2', 'reload 0', 'restart 0', 'stop 0');
    printed(
      said,
      'mail to me@example.org: 0',
      /mail to me@elsewhere.example: 24/,
      'mail to me@example.net: 0',
    );
    assert.doesNotMatch(said, /^check: (?:warn|error)/m);
    const left = root
      .run(everything)
      .split('\n')
      .filter((line) => !before.split('\n').includes(line));
    assert.deepEqual(left, []);
  });

  for (const server of ['serve', 'forkserver', 'prefork']) {
    test(`hands over to its next version as ${server}, keeps what was edited, and refuses no client`, (t) => {
      const root = rootWith(t, 'netcat-openbsd');
      packages.put(root);
      packages.put(root, 'newer.deb', newer);
      const log = join(root.dir, 'root/clients');
      const said = root.run(`${toMaildir}
${answers(`server_type select ${server}`)}
${install}
echo '# mine' >> '${root.dir}/etc/qpsmtpd/plugins'
old=$(inside cat /run/qpsmtpd/qpsmtpd.pid)
${newClients(log)}
${slowClient(`${log}.slow`)}
${upgrade}
new=$(inside cat /run/qpsmtpd/qpsmtpd.pid)
[ "$old" != "$new" ] && echo 'another process'
${status}
${runsAs}
${mail('me@example.org')}
${countClients(log)}
wait $slow; cat '${log}.slow'
inside qpsmtpd --version
inside /etc/init.d/qpsmtpd reload; echo "reload $?"
inside /etc/init.d/qpsmtpd stop; echo "stop $?"
sleep 1; inside pgrep -x -f '/usr/bin/qpsmtpd .*' || echo 'none runs'`);
      printed(
        said,
        'upgraded 0',
        'another process',
        'status 0',
        'runs as: smtpd',
        'mail to me@example.org: 0',
      );
      printed(said, /^ +\d+ client 0$/m, /^221 /m, 'reload 0', 'stop 0', 'none runs');
      assert.doesNotMatch(said, /client [1-9]/);
      assert.match(root.read('etc/qpsmtpd/plugins'), /# mine/);
    });
  }

  test('does not touch a running server whose configuration its next version does not take', (t) => {
    const root = rootWith(t);
    packages.put(root);
    packages.put(root, 'newer.deb', newer);
    const said = root.run(`${toMaildir}
${install}
echo 'no_such_plugin 1' >> '${root.dir}/etc/qpsmtpd/plugins'
${upgrade}
${status}
${mail('me@example.org')}`);
    printed(said, 'upgraded 0', 'status 0', 'mail to me@example.org: 0');
    assert.match(said, /error: \/etc\/qpsmtpd\/plugins:\d+: .*"no_such_plugin"/);
    assert.match(said, /goes on with what it has read before/);
  });

  test('rotates the log of the init script without a signal', (t) => {
    const root = rootWith(t);
    packages.put(root);
    const said = root.run(`${toMaildir}
${install}
${mail('before@example.org')}
inside logrotate -d /etc/logrotate.d/qpsmtpd > /dev/null 2>&1; echo "tried $?"
inside logrotate --force /etc/logrotate.d/qpsmtpd; echo "rotated $?"
${mail('after@example.org')}
inside stat -c '%A %U:%G %n' /var/log/qpsmtpd/qpsmtpd.log /var/log/qpsmtpd/qpsmtpd.log.1
inside grep -c 'before@example.org' /var/log/qpsmtpd/qpsmtpd.log.1 | sed 's/^/old: /'
inside grep -c 'before@example.org' /var/log/qpsmtpd/qpsmtpd.log | sed 's/^/old in new: /'
inside grep -c 'RCPT TO:<after@example.org>' /var/log/qpsmtpd/qpsmtpd.log | sed 's/^/new: /'
inside head -c 1 /var/log/qpsmtpd/qpsmtpd.log | tr '\\0' '@'`);
    printed(said, 'tried 0', 'rotated 0', '-rw-r----- smtpd:adm /var/log/qpsmtpd/qpsmtpd.log');
    printed(said, '-rw-r----- smtpd:adm /var/log/qpsmtpd/qpsmtpd.log.1', /^old: [1-9]/m, 'old in new: 0');
    printed(said, /^new: [1-9]/m);
    assert.doesNotMatch(said, /@$/, 'no hole at the beginning of the new file');
  });
});

describe('the Debian package under systemd', { skip: skipBooted }, () => {
  test('is enabled and started by the answer, also by one that is given later, and disabled by it', async (t) => {
    const root = rootWith(t, 'systemd-sysv', 'dbus');
    packages.put(root);
    const machine = await root.boot();
    try {
      const look = (when: string) =>
        `echo "${when}: $(inside systemctl is-enabled qpsmtpd) $(inside systemctl is-active qpsmtpd)"`;
      const answer = (enabled: boolean) =>
        `${answers(`startup_enabled boolean ${enabled}`)}\ninside dpkg-reconfigure qpsmtpd`;
      const said = machine.run(`${install}
${look('not asked')}
${answer(true)}
${look('yes')}
inside systemctl stop qpsmtpd
${answer(false)}
${look('no')}
${answer(true)}
${look('yes again')}
inside systemctl disable --quiet qpsmtpd
inside dpkg-reconfigure qpsmtpd
${look('disabled by hand')}`);
      printed(said, 'installed 0', 'not asked: disabled inactive', 'yes: enabled active');
      printed(
        said,
        'no: disabled inactive',
        'yes again: enabled active',
        'disabled by hand: disabled active',
      );
    } finally {
      await machine.end();
    }
  });

  test('answers by its unit, reloads, hands over to its next version, and by its socket', async (t) => {
    const root = rootWith(t, 'netcat-openbsd', 'systemd-sysv', 'dbus');
    packages.put(root);
    packages.put(root, 'newer.deb', newer);
    const log = join(root.dir, 'root/clients');
    const machine = await root.boot();
    try {
      const said = machine.run(`${toMaildir}
${install}
${status}
${runsAs}
inside systemd-analyze verify --man=no qpsmtpd.service qpsmtpd.socket; echo "verified $?"
inside systemctl reload qpsmtpd; echo "reload $?"
echo '# mine' >> '${root.dir}/etc/qpsmtpd/plugins'
old=$(inside systemctl show -P MainPID qpsmtpd)
${newClients(log)}
${slowClient(`${log}.slow`)}
${upgrade}
[ "$old" != "$(inside systemctl show -P MainPID qpsmtpd)" ] && echo 'another process'
${mail('me@example.org')}
${countClients(log)}
wait $slow; cat '${log}.slow'
sleep 1
inside systemctl show -P NRestarts -P ActiveState qpsmtpd | tr '\\n' ' ' | sed 's/^/state: /'; echo
( sleep 1; { printf 'EHLO client.example\r\n'; sleep 4; printf 'QUIT\r\n'; sleep 1; } | inside nc -q 2 127.0.0.1 25 > '${log}.last' ) & last=$!; sleep 3
inside systemctl disable --now qpsmtpd.service 2> /dev/null
inside systemctl is-active qpsmtpd.service | sed 's/^/stopped: /'
wait $last; sed 's/^/last: /' '${log}.last'
inside systemctl enable --now qpsmtpd.socket 2> /dev/null; echo "socket $?"
${mail('two@example.org')}
inside systemctl restart qpsmtpd.service; ${mail('three@example.org')}
inside systemctl stop qpsmtpd.socket qpsmtpd.service; echo "stop $?"
inside rm -r /var/spool/qpsmtpd/Maildir
inside dpkg --purge qpsmtpd; echo "purged $?"
inside systemctl list-unit-files --no-legend 'qpsmtpd*' | sed 's/^/left: /'
inside find /etc/systemd /var/lib/systemd /run/systemd -name '*qpsmtpd*' | sed 's/^/left: /'`);
      printed(
        said,
        'status 0',
        'runs as: smtpd',
        'verified 0',
        'reload 0',
        'upgraded 0',
        'another process',
        'purged 0',
      );
      printed(
        said,
        'mail to me@example.org: 0',
        /^ +\d+ client 0$/m,
        /^221 /m,
        /^state: (?:0 active|active 0)/m,
      );
      // The process that has taken over is no child of systemd's, which has to wait for its clients all the same.
      printed(said, 'stopped: inactive', /^last: (?:221|421) /m);
      printed(said, 'socket 0', 'mail to two@example.org: 0', 'mail to three@example.org: 0', 'stop 0');
      assert.doesNotMatch(said, /client [1-9]|^left: /m);
    } finally {
      await machine.end();
    }
  });
});
