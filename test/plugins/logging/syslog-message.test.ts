import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type LogLevel, logLevels } from 'qpsmtpd';
import { messageMaker, showMessage } from '../../../plugins/logging/_syslog-message.ts';
import { entry, message, sender } from './syslog-support.ts';

const MAIL = 2 * 8;

describe('a message of logging/syslog', () => {
  for (const level of Object.keys(logLevels) as LogLevel[]) {
    it(`of an entry of level ${level}`, () => {
      const [made] = messageMaker(sender)({ ...entry, level });
      assert.deepEqual(made, message('4711.12 (connect) relay: pass', MAIL + logLevels[level]));
    });
  }

  it('has the priority that the line has for all entries', () => {
    const notice = messageMaker({ ...sender, facility: 16, priority: { severity: 5, facility: null } });
    assert.equal(notice(entry)[0]?.priority, 16 * 8 + 5);
    const mailInfo = messageMaker({ ...sender, facility: 16, priority: { severity: 6, facility: 2 } });
    assert.equal(mailInfo(entry)[0]?.priority, 22);
  });

  it('looks as RFC 3164 has it, on this host and for another one', () => {
    const one = message('4711.12 (connect) relay: pass');
    const text = 'qpsmtpd[4711]: 4711.12 (connect) relay: pass';
    assert.equal(showMessage(one, sender, false), `<22>Jan  5 09:08:07 ${text}`);
    assert.equal(showMessage(one, sender, true), `<22>Jan  5 09:08:07 mx ${text}`);
    const late = { ...one, time: new Date(2026, 11, 25, 23, 59, 59) };
    assert.equal(showMessage(late, sender, false), `<22>Dec 25 23:59:59 ${text}`);
  });

  it('is one line of printable ASCII, whatever an entry holds', () => {
    const [made, ...others] = messageMaker(sender)({ ...entry, text: 'a\n<0>b\0\xe4' });
    assert.deepEqual([made?.text, others], ['4711.12 (connect) relay: a?<0>b??', []]);
  });

  it('is cut into more where it would be too long, with nothing lost and the id on each', () => {
    const text = Array.from({ length: 400 }, (_, at) => `word${at}`).join(' ');
    const made = messageMaker(sender)({ ...entry, text });
    assert.ok(made.length > 2);
    for (const one of made) {
      assert.ok(showMessage(one, sender, true).length <= 1024);
      assert.match(one.text, /^4711\.12 /);
    }
    const joined = made
      .map(({ text: piece }) => piece)
      .join('')
      .replaceAll(' ...4711.12 ... ', '');
    assert.equal(joined, `4711.12 (connect) relay: ${text}`);
  });

  it('may have 1024 octets, and is not cut before', () => {
    const make = messageMaker({ ...sender, facility: 23, priority: { severity: 7, facility: null } });
    const uncut = Array.from({ length: 1100 }, (_, length) => make({ ...entry, text: 'x'.repeat(length) }))
      .filter((made) => made.length === 1)
      .flat();
    const lengths = uncut.map((one) => showMessage(one, sender, true).length);
    assert.equal(Math.max(...lengths), 1024);
  });
});
