import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OptionError } from 'qpsmtpd';
import { type OutputLine, readOutputLine } from '../../../plugins/logging/_output-line.ts';
import { OutputNames, sessionId } from '../../../plugins/logging/_output-names.ts';
import { client } from './file-support.ts';

const plain: OutputLine = { target: '/log', isCommand: false, nosplit: false, reopen: false };

describe('the words of logging/file', () => {
  for (const [text, read] of [
    ['/log', {}],
    ['nosplit reopen /log', { nosplit: true, reopen: true }],
    ['ReOpen NOSPLIT /log', { nosplit: true, reopen: true }],
    ['LogLevel LOGINFO /log', { loglevel: 'info' }],
    ['nosplit loglevel 7 /log', { nosplit: true, loglevel: 'debug' }],
    ['tsformat %FT%T /log', { tsformat: '%FT%T' }],
    ['tsformat "%F %T" /log', { tsformat: '%F %T' }],
    ['/var/log/two words', { target: '/var/log/two words' }],
    ['"/var/log/two words"', { target: '/var/log/two words' }],
    ['/log reopen', { target: '/log reopen' }],
    ['relative', { target: 'relative' }],
    ['|cat', { target: 'cat', isCommand: true }],
    ['nosplit | cat -n', { nosplit: true, target: 'cat -n', isCommand: true }],
    ['"| cat -n"', { target: 'cat -n', isCommand: true }],
    ['|mail -s "two  words" \'x\'', { target: 'mail -s "two  words" \'x\'', isCommand: true }],
  ] as const) {
    it(`reads ${text}`, () => assert.deepEqual(readOutputLine(text), { ...plain, ...read }));
  }

  for (const [text, message] of [
    ['nosplit', 'there is neither path nor |COMMAND'],
    ['""', 'there is neither path nor |COMMAND'],
    ['reopen |', 'there is no command behind the |'],
    ['loglevel', 'loglevel has no value'],
    ['loglevel loud /log', '"loud" is not a log level'],
    ['/var/log/', '"/var/log/" is a folder, not a file'],
  ] as const) {
    it(`refuses ${text}`, () => assert.throws(() => readOutputLine(text), new OptionError(message)));
  }
});

describe('names of log files', () => {
  const time = new Date(2001, 1, 3, 4, 5, 6);
  for (const [format, name, hasSession] of [
    ['/log', '/log', false],
    ['/%Y-%m-%d.log', '/2001-02-03.log', false],
    ['/%i/%H-%i', '/ID/04-ID', true],
    ['/100%%i', '/100%i', false],
    ['/%%%i', '/%ID', true],
    ['/%Q%', '/%Q%', false],
  ] as const) {
    it(`are made of ${format}`, () => {
      const names = new OutputNames(format);
      assert.equal(names.at(time, 'ID'), name);
      assert.equal(names.hasSession, hasSession);
    });
  }

  it('have sessions as qpsmtpd writes them', () => {
    assert.equal(sessionId(client(3)), '1000000000-0099-3');
    assert.equal(sessionId({ ...client(3), id: '123456.78', startedAt: new Date(0) }), '00000000-123456-78');
  });

  it('have nothing in them that is no number of a client', () => {
    for (const id of ['99', '99.x', '99.1/..', 'queue 99.1'])
      assert.equal(sessionId({ ...client(3), id }), null);
  });
});
