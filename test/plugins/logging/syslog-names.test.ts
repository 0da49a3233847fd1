import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readFacility, readIdent, readPriority, readWays } from '../../../plugins/logging/_syslog-names.ts';

describe('the words of logging/syslog', () => {
  for (const [word, number] of [
    ['LOG_MAIL', 2],
    ['mail', 2],
    ['Mail', 2],
    ['LOG_USER', 1],
    ['authpriv', 10],
    ['ftp', 11],
    ['security', 4],
    ['local0', 16],
    ['LOG_LOCAL7', 23],
  ] as const) {
    it(`facility ${word}`, () => assert.equal(readFacility(word), number));
  }

  for (const [word, severity, facility] of [
    ['LOG_NOTICE', 5, null],
    ['notice', 5, null],
    ['LOGWARN', 4, null],
    ['LOG_WARNING', 4, null],
    ['Err', 3, null],
    ['panic', 0, null],
    ['0', 0, null],
    ['7', 7, null],
    // As syslog(3) takes it: mail.info.
    ['22', 6, 2],
    ['191', 7, 23],
  ] as const) {
    it(`priority ${word}`, () => assert.deepEqual(readPriority(word), { severity, facility }));
  }

  for (const [word, ways] of [
    ['native', ['logger']],
    ['unix', ['logger']],
    ['udp,unix', ['udp', 'logger']],
    ['native,unix,STREAM', ['logger', 'stream']],
    ['inet,udp', ['tcp', 'udp']],
  ] as const) {
    it(`logsock ${word}`, () => assert.deepEqual(readWays(word), ways));
  }

  it('ident', () => assert.equal(readIdent('mx-1.qpsmtpd/in'), 'mx-1.qpsmtpd/in'));

  for (const [read, word, complaint] of [
    [readFacility, 'kern', /^kern is for the kernel alone: write mail, /],
    [readFacility, 'post', /^"post" is no facility: write mail, /],
    [readFacility, 'constructor', /is no facility/],
    [readPriority, 'loud', /^"loud" is no priority: write one such as info or LOG_NOTICE$/],
    [readPriority, '192', /^192 is not between 0 and 191$/],
    [
      readWays,
      'console',
      /^"console": .*: leave logsock out, or have the syslog daemon write to the console$/,
    ],
    [readWays, 'unix,pipe', /^"pipe": .*: leave logsock out, or write stream$/],
    [readWays, 'eventlog', /no event log on this system: leave logsock out$/],
    [readWays, 'Win32', /no event log/],
    // Sys::Syslog took these.
    [readWays, 'stream,/run/log', /^a path has its own word: write socket \/run\/log$/],
    [readWays, 'udp,log.example', /^a host has its own word: write host log\.example$/],
    [readWays, 'datagram', /^"datagram" is none of native, unix, stream, tcp, udp, inet$/],
    [readWays, '', /^"" is none of/],
    [readIdent, 'a b', /^"a b" is not 1 to 32 letters/],
    [readIdent, 'a:', /is not 1 to 32/],
    [readIdent, 'x'.repeat(33), /is not 1 to 32/],
  ] as const) {
    it(`not ${word}`, () => assert.throws(() => read(word), { name: 'Error', message: complaint }));
  }
});
