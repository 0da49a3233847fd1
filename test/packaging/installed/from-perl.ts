// Debian's qpsmtpd 0.94-5, installed, answered and running, and then upgraded to the package.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { perlAnswers, rootWithPerl } from './perl.ts';
import {
  answers,
  everything,
  install,
  mail,
  mails,
  noRelay,
  Packages,
  printed,
  skip,
  status,
  toMaildir,
} from './support.ts';

const packages = new Packages();
after(() => packages.remove());

describe('the Debian package in place of 0.94-5', { skip }, () => {
  test('takes over its answers, its user, its spool, and files that were edited', (t) => {
    const root = rootWithPerl(t, packages, toMaildir);
    const said = root.run(`echo '@spam.example' >> '${root.dir}/etc/qpsmtpd/badmailfrom'
inside /etc/init.d/qpsmtpd start
sleep 2
${perlAnswers}
${install}
${status}
${mail('after@example.org')}
${noRelay(root)}
sleep 2
${mail('me@example.org', 'me@spam.example')}
${mails(root)}
inside /etc/init.d/qpsmtpd stop
inside stat -c 'spool of %U' /var/spool/qpsmtpd`);
    // Its check_loop refuses every message: it has to be asked for no more than a recipient.
    printed(
      said,
      'Perl: 0',
      'installed 0',
      'status 0',
      'mail to after@example.org: 0',
      'mails: 1',
      'spool of qpsmtpd',
    );
    assert.match(said, /mail to me@example.org: 2[0-9]/, 'the edited list counts');
    assert.doesNotMatch(said, /\/etc\/qpsmtpd\/(?:plugins|logging):\d+: /, 'all of its plugins are here');
    assert.match(root.read('etc/qpsmtpd/debconf-settings'), /^RUNAS="qpsmtpd"$/m);
    assert.match(root.read('etc/qpsmtpd/spool_dir'), /^\/var\/spool\/qpsmtpd$/m);
    const purged = root.run(`rm -r '${root.dir}/var/spool/qpsmtpd/Maildir'
inside dpkg --purge qpsmtpd > /dev/null 2>&1
${everything}`);
    const left = purged.split('\n').filter((line) => line.includes('smtpd'));
    assert.deepEqual(left, []);
  });

  test('with edited plugins that it does not have, stops before anything is changed and names the lines', (t) => {
    const root = rootWithPerl(t, packages, toMaildir);
    const edit = `cat >> '${root.dir}/etc/qpsmtpd/plugins' <<'END'
my_own_check level:0 3
END
echo 'sub hook_ehlo { return DECLINED }' > '${root.dir}/usr/share/qpsmtpd/plugins/my_own_check'
sed -i 's/^check_loop/#&/' '${root.dir}/etc/qpsmtpd/plugins'`;
    const said = root.run(`${edit}
inside /etc/init.d/qpsmtpd start
sleep 2
inside dpkg --force-confold -i /root/qpsmtpd.deb; echo "upgraded $?"
${perlAnswers}
inside dpkg-query -W -f 'there is \${Version} \${Status}\\n' qpsmtpd`);
    printed(said, 'upgraded 1', 'Perl: 0', 'there is 0.94-5 install ok installed');
    assert.match(said, /is not upgraded/);
    assert.match(said, /^ {2}\/etc\/qpsmtpd\/plugins:\d+: my_own_check level:0 3$/m);
    assert.doesNotMatch(
      said,
      /plugins:\d+: (?:check_loop|check_badmailfrom|check_spamhelo|rhsbl|dnsbl)/,
      'a comment, and plugins that are here, by these names or others',
    );
    const settled = root.run(`sed -i 's/^my_own_check/#&/' '${root.dir}/etc/qpsmtpd/plugins'
${install}
${status}
${mail('me@example.org')}
${noRelay(root)}
echo bad.example >> '${root.dir}/etc/qpsmtpd/badhelo'
sleep 2
${mail('other@example.org')}
swaks --server 127.0.0.1 --helo bad.example --quit-after EHLO 2>&1 | sed -n 's/^<.. /bad name: /p'`);
    printed(settled, 'installed 0', 'status 0', 'mail to me@example.org: 0', 'mail to other@example.org: 0');
    assert.match(settled, /^bad name: 550 /m, 'check_spamhelo of the edited file does what it did');
    assert.match(root.read('etc/qpsmtpd/plugins'), /^#my_own_check/m, 'the edited file is kept');
  });

  test('tells of plugins that it does not have where its own settings are to take the place of edited ones', (t) => {
    const root = rootWithPerl(t, packages, toMaildir);
    const said = root.run(`echo my_own_check >> '${root.dir}/etc/qpsmtpd/plugins'
inside dpkg --force-confnew -i /root/qpsmtpd.deb; echo "installed $?"
${status}`);
    printed(said, 'installed 0', 'status 0', /^ {2}\/etc\/qpsmtpd\/plugins:\d+: my_own_check$/m);
    assert.match(said, /take the place of those of the version in Perl/);
  });

  const others: readonly [string, string, string[], RegExp][] = [
    ['postfix', 'queue_plugin select postfix', ['postfix'], /^queue\/postfix-queue$/m],
    ['exim', 'queue_plugin select exim', ['exim4-daemon-light'], /^queue\/exim-bsmtp$/m],
    ['proxy', 'queue_plugin select proxy', [], /^queue\/smtp-forward 127\.0\.0\.2 2525$/m],
    ['none', 'queue_plugin select none', [], /^(?!queue)/m],
  ];
  for (const [name, answer, more, line] of others) {
    test(`goes on with the queue method ${name} and receives`, (t) => {
      const given = answers(
        answer,
        'queue_smtp_proxy_destination string 127.0.0.2:2525',
        'queue_none_confirm boolean true',
        'rcpthosts string example.org',
      );
      const root = rootWithPerl(t, packages, given, ...more);
      const said = root.run(`inside /etc/init.d/qpsmtpd start
${install}
${status}
swaks --server 127.0.0.1 --from you@example.com --to me@example.org --quit-after RCPT --silent 3; echo "recipient $?"
inside id -nG qpsmtpd | sed 's/^/groups: /'`);
      printed(said, 'installed 0', 'status 0', 'recipient 0');
      if (name === 'postfix') assert.match(said, /groups: .*postdrop/);
      assert.match(root.read('etc/qpsmtpd/debian-queue-method'), line);
    });
  }
});
