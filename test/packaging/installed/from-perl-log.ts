// The log of Debian's qpsmtpd 0.94-5, which logging/file wrote: after the upgrade it is written on, to the same file, with
// the init script and under systemd, and goes well with logrotate, be it by our settings or by those of the version in Perl.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { DebianRoot } from '../debian-root.ts';
import { perlAnswers, rootWithPerl } from './perl.ts';
import {
  install,
  mail,
  noRelay,
  Packages,
  printed,
  runsAs,
  skip,
  skipBooted,
  status,
  toMaildir,
} from './support.ts';

const packages = new Packages();
after(() => packages.remove());

const folder = '/var/log/qpsmtpd';
const file = `${folder}/qpsmtpd.log`;

/** "NAME: how often a recipient stands in the files". Workers write at the end of their turn: waits for the first. */
const times = (name: string, to: string, files = file) =>
  `for _ in $(seq 50); do inside sh -c "cat ${files}" | grep -q 'RCPT TO:<${to}>' && break; sleep 0.1; done
inside sh -c "cat ${files}" | grep -c 'RCPT TO:<${to}>' | sed 's/^/${name}: /'`;
const about = (name: string, files = file) => `inside sh -c "stat -c '${name}: %A %U:%G %i' ${files}"`;
/** The versions begin a line alike, with the time, the host and the process: others are torn, or from other writers. */
const otherForms = `inside sh -c "cat ${file}*" | grep -Ev '^\\w{3} \\w{3} [ 0-9][0-9] [0-9:]{8} 20[0-9][0-9] [^ ]+\\[[0-9.]+\\]: ' | sed 's/^/another form: /'`;
const rotate = 'inside logrotate --force /etc/logrotate.d/qpsmtpd; echo "rotated $?"';

/** What `about` printed, but for the name. */
function printedAbout(said: string, name: string): string {
  const [, found] = new RegExp(`^${name}: (.*)$`, 'm').exec(said) ?? [];
  return found ?? assert.fail(`nothing of "${name}" in:\n${said}`);
}

/** Perl writes, then we do. */
const takeOver = (root: DebianRoot) => `${noRelay(root)}
inside /etc/init.d/qpsmtpd start
sleep 2
${perlAnswers}
${times('of Perl', 'me@example.org')}
${about('before')}
${install}
${status}
${runsAs}
${mail('after@example.org')}
${about('after')}
${times('written by Perl', 'me@example.org')}
${times('written by us', 'after@example.org')}`;

function judgeTakeOver(said: string): void {
  printed(said, 'of Perl: 1', 'installed 0', 'status 0', 'runs as: qpsmtpd');
  printed(said, 'mail to after@example.org: 0', 'written by Perl: 1', 'written by us: 1');
  assert.match(printedAbout(said, 'before'), / qpsmtpd:adm /);
  assert.equal(printedAbout(said, 'after'), printedAbout(said, 'before'), 'the same file');
}

/** As an administrator moves it away, without a signal. */
const move = `inside mv ${file} ${file}.moved
sleep 1.2
${mail('moved@example.org')}
${times('in the next', 'moved@example.org')}`;

describe('the log of 0.94-5, with the init script', { skip }, () => {
  test('is written on where nothing was edited, each line once, while it is rotated and moved', (t) => {
    const root = rootWithPerl(t, packages, toMaildir);
    const said = root.run(`${takeOver(root)}
${rotate}
${mail('rotated@example.org')}
${times('in the old', 'after@example.org', `${file}.1`)}
${times('in the new', 'rotated@example.org')}
${about('rotated')}
${move}
${otherForms}
inside sed 's/^/stderr: /' ${folder}/stderr.log
inside /etc/init.d/qpsmtpd stop`);
    judgeTakeOver(said);
    printed(said, 'rotated 0', 'in the old: 1', 'in the new: 1', 'in the next: 1');
    assert.equal(printedAbout(said, 'rotated'), printedAbout(said, 'before'), 'emptied, not made anew');
    assert.doesNotMatch(said, /^another form: /m);
    assert.doesNotMatch(said, /^stderr: .*RCPT/m, 'the log is not on standard error as well');
    assert.match(root.read('etc/qpsmtpd/logging'), /^\$include \/etc\/qpsmtpd\/debian-logging$/m);
  });

  test('is written on where logging and the rotation were edited, with standard error beside it', (t) => {
    const root = rootWithPerl(t, packages, toMaildir);
    const byYear = `${folder}/20*-debug.log`;
    const said = root.run(`cat >> '${root.dir}/etc/qpsmtpd/logging' <<'END'
logging/warn LOGINFO
logging/file:1 loglevel LOGDEBUG tsformat %FT%T ${folder}/%Y-debug.log
END
sed -i 's/rotate 14/rotate 15/' '${root.dir}/etc/logrotate.d/qpsmtpd'
${takeOver(root)}
${times('by the year', 'after@example.org', byYear)}
${times('on standard error', 'after@example.org', `${folder}/stderr.log`)}
${rotate}
${status}
${mail('rotated@example.org')}
${times('in the old', 'after@example.org', `${file}.1`)}
${times('in the new', 'rotated@example.org')}
${times('by the year, new', 'rotated@example.org', byYear)}
${about('rotated', `${file} ${byYear}`)}
${otherForms}
inside /etc/init.d/qpsmtpd stop`);
    judgeTakeOver(said);
    printed(said, 'by the year: 1', 'on standard error: 1');
    printed(said, 'rotated 0', 'in the old: 1', 'in the new: 1', 'by the year, new: 1');
    assert.equal(said.match(/^rotated: -rw-r----- qpsmtpd:adm /gm)?.length, 2);
    assert.doesNotMatch(said, /^another form: /m);
    assert.match(root.read('etc/logrotate.d/qpsmtpd'), /rotate 15/, 'the edited file is kept');
  });
});

describe('the log of 0.94-5, under systemd', { skip: skipBooted }, () => {
  for (const isEdited of [false, true]) {
    test(`is written on where ${isEdited ? 'logging and the rotation were' : 'nothing was'} edited`, async (t) => {
      const root = rootWithPerl(t, packages, toMaildir, 'systemd-sysv', 'dbus');
      const machine = await root.boot();
      const edit = `sed -i 's/LOGINFO/LOGDEBUG/' '${root.dir}/etc/qpsmtpd/logging'
sed -i 's/rotate 14/rotate 15/' '${root.dir}/etc/logrotate.d/qpsmtpd'`;
      try {
        const said = machine.run(`${isEdited ? edit : ''}
${takeOver(root)}
${rotate}
${status}
${mail('rotated@example.org')}
${times('in the old', 'after@example.org', `${file}.1`)}
${times('in the new', 'rotated@example.org')}
${about('rotated')}
${move}
${otherForms}
inside journalctl --no-pager -u qpsmtpd | sed 's/^/journal: /'
inside systemctl stop qpsmtpd`);
        judgeTakeOver(said);
        printed(said, 'rotated 0', 'in the old: 1', 'in the new: 1', 'in the next: 1');
        assert.match(printedAbout(said, 'rotated'), /^-rw-r--[-r]-- qpsmtpd:adm /);
        assert.doesNotMatch(said, /^another form: |^journal: .*RCPT/m);
      } finally {
        await machine.end();
      }
    });
  }
});
