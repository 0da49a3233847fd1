// What is handed on is what came in with our fields above it, octet by octet but for line ends: by DATA and by BDAT in
// chunks of any size, from memory and from the spool, to a Maildir and to whatever a queue plugin asks for.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { declined, definePlugin, type LineEnds } from 'qpsmtpd';
import { stageWith, talkOn } from '../plugins/plugin-talk.ts';
import type { Talk } from './support.ts';

const HEADER = 'Subject: test\r\nX-Odd:no blank\r\nX-Fold: a\r\n\t b \r\nx-case: y\r\n';
const ALL_OCTETS = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet)).toString('latin1');

/** One octet a character. Those that end in CRLF can come by DATA. */
const samples: Readonly<Record<string, string>> = {
  'a plain message': `${HEADER}\r\nhello\r\n\r\nworld\r\n`,
  'lines with dots': `${HEADER}\r\n.\r\n..\r\n.x\r\n...\r\nx.\r\n.\r\n`,
  'a dot at the very beginning': '.\r\n.hello\r\n',
  'an end mark between other line ends': `${HEADER}\r\nx\r\n.\r\nQUIT\r\n`,
  '8-bit octets': `Subject: gr\xfc\xdfe\r\n\r\n\x80\xff\xa0 \xc3\xbc\r\n`,
  'all octets there are': `${HEADER}\r\n${ALL_OCTETS}\r\n${ALL_OCTETS.repeat(40)}\r\n`,
  NUL: `Subject: a\0b\r\n\r\n\0\0x\0\r\n\0\r\n`,
  'bare CR': `${HEADER}\r\na\rb\r\r\nc\r\r\r\n\rd\r\n`,
  'bare LF': `${HEADER}\r\na\nb\r\n\nc\n\r\n`,
  'bare LF in the header': 'Subject: x\nTo: y\r\n\r\nhello\r\n',
  'a long line': `${HEADER}\r\n${'x'.repeat(100_000)}\r\nshort\r\n`,
  'lines of blanks': `${HEADER}\r\n  \r\n\t\r\n \r\n`,
  'a line as of an mbox': `${HEADER}\r\nFrom here on\r\n>From there\r\n`,
  'no header': 'just words: here\r\nand there\r\n',
  'a header and nothing else': HEADER,
  'a header and the blank line': `${HEADER}\r\n`,
  'a blank line and a body': '\r\nhello\r\n',
  nothing: '',
  'no line end at the end': `${HEADER}\r\nhello`,
  'a CR at the end': `${HEADER}\r\nhello\r`,
  'a LF at the end': `${HEADER}\r\nhello\n`,
  'a header without a line end': 'Subject: x',
};

const forms: Readonly<Record<LineEnds, (text: string) => string>> = {
  'as-received': (text) => text,
  lf: (text) => text.replaceAll('\r\n', '\n'),
  crlf: (text) => text.replaceAll('\r\n', '\n').replaceAll('\n', '\r\n'),
};

interface Handed {
  /** by line ends */
  readonly asked: Readonly<Record<string, string>>;
  /** the one file in the Maildir */
  readonly file: string;
}

const ENVELOPE = ['RCPT TO:<"a,b"@c.example>', 'RCPT TO:<x+y@c.example>', 'RCPT TO:<"x y"@c.example>'];

/** Sends messages in one session after the other; gives what each became. */
async function opened(sizeThreshold: number) {
  const asked: Record<string, string> = {};
  const recording = definePlugin({
    name: 'queue/recording',
    summary: 'asks for the content in all forms',
    carries: ['BINARYMIME'],
    setup: () => ({
      async queue({ transaction: { content } }) {
        for (const lineEnds of ['as-received', 'lf', 'crlf'] as const) {
          const chunks: Buffer[] = [];
          for await (const chunk of content.chunks(lineEnds)) chunks.push(chunk);
          asked[lineEnds] = Buffer.concat(chunks).toString('latin1');
          const held = content.inMemory(lineEnds);
          if (held !== null) assert.equal(Buffer.concat(held).toString('latin1'), asked[lineEnds]);
        }
        assert.equal(content.size, asked['as-received']?.length);
        return declined;
      },
    }),
  });
  const stage = await stageWith(['queue/recording', 'queue/maildir %{tmp}/mail'], {
    plugins: { 'queue/recording': recording },
    config: { size_threshold: [String(sizeThreshold)], 'me-auth-results': ['auth.example'] },
  });
  const folder = join(stage.folder, 'mail/new');
  return async (give: (talk: Talk) => Promise<string>, params = ''): Promise<Handed> => {
    const talk = await talkOn(stage);
    await talk.say('EHLO client.example', `MAIL FROM:<"s,t"@s.example>${params}`, ...ENVELOPE);
    assert.match(await give(talk), /(?:^|\n)250 2\.0\.0 queued as \S+$/);
    const [name = '', ...others] = readdirSync(folder);
    assert.deepEqual(others, []);
    const file = readFileSync(join(folder, name), 'latin1');
    rmSync(join(folder, name));
    return { asked: { ...asked }, file };
  };
}

const byData = (text: string) => async (talk: Talk) => {
  assert.match(await talk.say('DATA'), /^354 /);
  return talk.send(`${text.replace(/^\./, '..').replaceAll('\r\n.', '\r\n..')}.\r\n`);
};

const byBdat = (text: string, size: number) => async (talk: Talk) => {
  const count = Math.max(1, Math.ceil(text.length / size));
  const chunks = Array.from({ length: count }, (_, at) => text.slice(at * size, (at + 1) * size));
  return talk.send(
    chunks.map((chunk, at) => `BDAT ${chunk.length}${at === count - 1 ? ' LAST' : ''}\r\n${chunk}`).join(''),
  );
};

const OUR_FIELDS =
  /^Authentication-Results: auth\.example;\r\n\tauth=none\r\nReceived: from [^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)+/;

/** The message with our fields, as it is in memory, and as a Maildir is to have it. */
function check(text: string, { asked, file }: Handed, inMaildir: LineEnds): void {
  const received = asked['as-received'] ?? '';
  const [ours = ''] = OUR_FIELDS.exec(received) ?? [];
  assert.notEqual(ours, '');
  // Without a blank line of ours, what has no header would become one.
  const hasHeader = /^[!-9;-~]+[ \t]*:/.test(text);
  const separator = hasHeader || text === '' || text.startsWith('\r\n') ? '' : '\r\n';
  for (const [lineEnds, convert] of Object.entries(forms)) {
    assert.equal(asked[lineEnds], convert(ours + separator + text), lineEnds);
  }
  const end = inMaildir === 'lf' ? '\n' : '\r\n';
  const head = [
    'Return-Path: <"s,t"@s.example>',
    'Delivered-To: "a,b"@c.example',
    'Delivered-To: x+y@c.example',
    'Delivered-To: "x y"@c.example',
  ];
  assert.equal(file, head.map((line) => line + end).join('') + forms[inMaildir](ours + separator + text));
}

for (const [where, sizeThreshold] of [
  ['memory', 1_000_000],
  ['the spool', 0],
] as const) {
  describe(`content from ${where}`, () => {
    for (const [what, text] of Object.entries(samples)) {
      if (text === '' || text.endsWith('\r\n')) {
        it(`comes through by DATA: ${what}`, async () => {
          const give = await opened(sizeThreshold);
          check(text, await give(byData(text)), 'lf');
        });
      }
      it(`comes through by BDAT: ${what}`, async () => {
        const give = await opened(sizeThreshold);
        for (const size of [
          1_000_000,
          4096,
          text.length > 10_000 ? 999 : 3,
          text.length > 10_000 ? 500 : 1,
        ]) {
          check(text, await give(byBdat(text, size)), 'lf');
        }
      });
      it(`comes through as binary: ${what}`, async () => {
        const give = await opened(sizeThreshold);
        check(text, await give(byBdat(text, 1000), ' BODY=BINARYMIME'), 'as-received');
      });
    }
  });
}
