// A queue plugin on disk that files every message, and a look at what was filed. Tests of the server do not
// depend on the queue plugins that come with it.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Name and folder as they stand in config/plugins; `@DIR@` is the temporary folder of the server. */
export const recordLine = 'record @DIR@/mail';

/** For `files` of startServer. A file holds the envelope on its first line, then the message with LF. */
export const recordPlugin = {
  'plugins/record.ts': `
    import { writeFileSync, mkdirSync, renameSync } from 'node:fs';
    import { definePlugin, ok, option } from 'qpsmtpd';

    export default definePlugin({
      name: 'record',
      summary: 'files every message',
      options: { folder: option.path({ required: true, doc: 'where to' }) },
      positional: ['folder'],
      setup({ options }) {
        let count = 0;
        mkdirSync(options.folder, { recursive: true });
        return {
          async queue(at) {
            const { sender, recipients, content } = at.transaction;
            const envelope = [sender.path, ...recipients.map(({ path }) => path)].join(' ');
            const pieces = [Buffer.from(envelope + '\\n')];
            for await (const piece of content.chunks('lf')) pieces.push(piece);
            const file = options.folder + '/' + String(++count).padStart(6, '0');
            writeFileSync(file + '.part', Buffer.concat(pieces));
            renameSync(file + '.part', file);
            return ok('recorded');
          },
        };
      },
    });
  `,
} as const;

export interface RecordedMessage {
  /** sender and recipients in angle brackets, with blanks between */
  readonly envelope: string;
  /** with our trace fields and LF, one octet a character */
  readonly content: string;
}

/** What was filed so far, in order. @param dir temporary folder of the server */
export function recordedMessages(dir: string): RecordedMessage[] {
  return filesIn(join(dir, 'mail')).map((text) => {
    const end = text.indexOf('\n');
    return { envelope: text.slice(0, end), content: text.slice(end + 1) };
  });
}

/** Contents of the files of a folder in the order of their names, one octet a character. */
export function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => !name.endsWith('.part'));
  return names.sort().map((name) => readFileSync(join(folder, name), 'latin1'));
}

const TRACE_FIELDS =
  /^(?:(?:Return-Path|Delivered-To|Authentication-Results|Received): [^\n]*\n(?:[ \t][^\n]*\n)*)+/;

/** A message as it came: without the trace fields that a server puts on top. Null when there are none. */
export function belowTrace(content: string): string | null {
  const [trace] = TRACE_FIELDS.exec(content) ?? [];
  return trace === undefined ? null : content.slice(trace.length);
}
