import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseTranscript, TranscriptError } from '../../../src/cli/transcript/parse.ts';

const HEAD = '# what it shows\n';

describe('parseTranscript', () => {
  it('reads set-up, conversations and what is expected of them', () => {
    const transcript = parseTranscript(
      `${HEAD}plugins  relay only
logging  logging/warn
config   me | mx.example
config   rcpthosts|one|two
config   rcpthosts |  indented
map      morercpthosts | key=a=b
env      RELAYCLIENT=
client   192.0.2.7 host.example

# another comment
S: 220 *
C:
C:  two blanks
S: 250
S: (closed)
L: *log
N: connection karma = -1
N: transaction x = a = b
F: Maildir/new/* ~ Subject: x
---
C: NOOP
---
client   192.0.2.8
`,
    );
    assert.equal(transcript.title, 'what it shows');
    const { setup, conversations } = transcript;
    assert.deepEqual(setup.plugins, ['relay only']);
    assert.deepEqual(setup.logging, ['logging/warn']);
    assert.deepEqual(
      [...setup.config],
      [
        ['me', ['mx.example']],
        ['rcpthosts', ['one|two', ' indented']],
      ],
    );
    assert.deepEqual([...setup.maps], [['morercpthosts', [['key', 'a=b']]]]);
    assert.deepEqual(setup.env, { RELAYCLIENT: '' });
    assert.deepEqual(
      conversations.map(({ client }) => client),
      [
        { ip: '192.0.2.7', host: 'host.example' },
        { ip: '192.0.2.7', host: 'host.example' },
        { ip: '192.0.2.8', host: 'Unknown' },
      ],
    );
    assert.deepEqual(conversations[0]?.steps, [
      { kind: 'reply-line', glob: '220 *', line: 12 },
      { kind: 'send', text: '', line: 13 },
      { kind: 'send', text: ' two blanks', line: 14 },
      { kind: 'reply', code: '250', line: 15 },
      { kind: 'closed', line: 16 },
      { kind: 'log', glob: '*log', line: 17 },
      { kind: 'note', on: 'connection', note: 'karma', value: '-1', line: 18 },
      { kind: 'note', on: 'transaction', note: 'x', value: 'a = b', line: 19 },
      { kind: 'file', path: 'Maildir/new/*', glob: 'Subject: x', line: 20 },
    ]);
    assert.deepEqual(conversations[1]?.steps, [{ kind: 'send', text: 'NOOP', line: 22 }]);
  });

  it('takes the default client where there is none', () => {
    const [only] = parseTranscript(HEAD).conversations;
    assert.deepEqual(only?.client, { ip: '192.0.2.1', host: 'client.example' });
  });

  it('reads the kind of service, which stays with the client until there is another line', () => {
    const text = `${HEAD}service lmtp tls\n---\nclient 192.0.2.7 host.example\n---\nservice smtp\n`;
    const { conversations } = parseTranscript(text);
    assert.deepEqual(
      conversations.map(({ client }) => client.service),
      [
        { tls: true, lmtp: true },
        { tls: true, lmtp: true },
        { tls: false, lmtp: false },
      ],
    );
  });

  it('reads what the DNS knows', () => {
    const { setup } = parseTranscript(
      `${HEAD}dns a.example A 192.0.2.1\ndns a.example A 192.0.2.2\ndns a.example TXT two words\n` +
        'dns 192.0.2.1 PTR a.example\ndns a.example MX 10 mail.example\ndns slow.example timeout\n',
    );
    assert.deepEqual(setup.zone, {
      'a.example': { A: ['192.0.2.1', '192.0.2.2'], TXT: ['two words'], MX: [[10, 'mail.example']] },
      '192.0.2.1': { PTR: ['a.example'] },
      'slow.example': { failure: 'timeout' },
    });
  });

  it('reads files with CRLF', () => {
    const [only] = parseTranscript('# x\r\nC: NOOP\r\nS: 250\r\n').conversations;
    assert.deepEqual(only?.steps, [
      { kind: 'send', text: 'NOOP', line: 2 },
      { kind: 'reply', code: '250', line: 3 },
    ]);
  });

  const mistakes = [
    ['', 1, 'first line must be a comment'],
    ['#\n', 1, 'first line must be a comment'],
    ['C: NOOP\n# late\n', 1, 'first line must be a comment'],
    [`${HEAD}X: what`, 2, 'expected: a line of setup'],
    [`${HEAD}\nplugin relay`, 3, 'expected: a line of setup'],
    [`${HEAD}constructor x`, 2, 'expected: a line of setup'],
    [`${HEAD}C:NOOP`, 2, 'expected: a line of setup'],
    [`${HEAD}config me`, 2, 'expected: config FILE | text'],
    [`${HEAD}config plugins | relay`, 2, 'expected: plugins LINE'],
    [`${HEAD}map x | novalue`, 2, 'expected: map FILE | key=value'],
    [`${HEAD}env NOVALUE`, 2, 'expected: env NAME=VALUE'],
    [`${HEAD}dns a.example 192.0.2.1`, 2, 'expected: dns NAME|IP A|AAAA|MX|TXT|PTR|NS VALUE'],
    [`${HEAD}dns a.example A`, 2, 'expected: dns NAME|IP'],
    [`${HEAD}dns a.example MX mail.example`, 2, 'expected: dns NAME|IP'],
    [`${HEAD}dns a.example timeout 5`, 2, 'expected: dns NAME|IP'],
    [`${HEAD}service lmtp smtps`, 2, 'expected: service smtp|lmtp|tls'],
    [`${HEAD}N: karma = 1`, 2, 'expected: N: connection|transaction NOTE = VALUE'],
    [`${HEAD}F: path`, 2, 'expected: F: PATH ~ LINE'],
  ] as const;
  for (const [text, line, sentence] of mistakes) {
    it(`says where the mistake is in ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parseTranscript(text),
        (error) =>
          error instanceof TranscriptError && error.line === line && error.message.includes(sentence),
      );
    });
  }
});
