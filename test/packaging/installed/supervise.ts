// The folder that the Debian package makes, under daemontools' supervise as it is: with a process for each client, and
// with the forkserver.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { everything, install, mail, mails, noRelay, Packages, printed, rootWith, skip } from './support.ts';

const packages = new Packages();
after(() => packages.remove());

const home = '/home/smtpd/qpsmtpd';
/** Until somebody listens on port 25. */
const listens = `for _ in $(seq 100); do inside grep -q ':0019 [0-9A-F:]* 0A ' /proc/net/tcp /proc/net/tcp6 && break; sleep 0.2; done`;
const down = `inside svc -d /etc/service/qpsmtpd
for _ in $(seq 100); do inside svstat /etc/service/qpsmtpd | grep -q ': down' && break; sleep 0.2; done`;

describe('the folder of the Debian package, under supervise', { skip }, () => {
  test('receives mail, and logs to log/main/current', (t) => {
    const root = rootWith(t, 'daemontools', 'ucspi-tcp');
    packages.put(root);
    const before = root.run(`inside update-rc.d dummy remove; ${everything}`);
    const said = root.run(`${install}
${noRelay(root)}
echo example.org > '${root.dir}/etc/qpsmtpd/rcpthosts'
echo queue/maildir /var/spool/qpsmtpd/Maildir >> '${root.dir}/etc/qpsmtpd/plugins'
inside mkdir -p /etc/service; inside ln -s ${home} /etc/service/
( cd '${root.dir}'; inside svscan /etc/service > /dev/null 2>&1 ) &
${listens}
${mail('me@example.org')}
inside grep -c 'tcpserver: ok' ${home}/log/main/current | sed 's/^/tcpserver: /'
${down}
inside ln -sf /usr/lib/qpsmtpd/daemontools/run.forkserver ${home}/run
inside svc -u /etc/service/qpsmtpd
${listens}
${mail('you@example.org')}
inside grep -c 'RCPT TO:<you@example.org>' ${home}/log/main/current | sed 's/^/in the log: /'
${mails(root)}
${down}
inside rm -r /etc/service /var/spool/qpsmtpd/Maildir
inside svc -dx ${home} ${home}/log
sleep 1
inside dpkg --purge qpsmtpd`);
    printed(said, 'installed 0', 'mail to me@example.org: 0', /^tcpserver: [1-9]/m);
    printed(said, 'mail to you@example.org: 0', /^in the log: [1-9]/m, 'mails: 2');
    const left = root.run(everything).split('\n');
    assert.deepEqual(
      left.filter((line) => !before.split('\n').includes(line)),
      [],
    );
  });
});
