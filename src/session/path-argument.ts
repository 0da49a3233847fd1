// The argument of MAIL and RCPT up to its path and parameters: read by a plugin or by the core, then given to the
// hook that may put another path in its place. What is not ASCII must be UTF-8; whether it may stand there at all,
// the extension SMTPUTF8 decides (RFC 6531).

import type { Awaitable } from '../contract/hooks.ts';
import { whenReady } from '../contract/when-ready.ts';
import {
  isParseFailure,
  type ParsedPath,
  parseMailArgument,
  parseRcptArgument,
} from '../protocol/command-line.ts';
import { decodeUtf8, isAscii } from '../protocol/esmtp-utf8.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Session } from './session.ts';

interface PathVerb {
  readonly parse: typeof parseMailArgument;
  readonly note: 'envelope_from' | 'envelope_rcpt';
  readonly malformed: Reply;
}

const pathVerbs: Readonly<Record<'mail' | 'rcpt', PathVerb>> = {
  mail: {
    parse: parseMailArgument,
    note: 'envelope_from',
    malformed: { code: 501, status: '5.1.7', lines: ['sender address is malformed'] },
  },
  rcpt: {
    parse: parseRcptArgument,
    note: 'envelope_rcpt',
    malformed: { code: 501, status: '5.1.3', lines: ['recipient address is malformed'] },
  },
};

/** Gives null when the client has its answer already. @param octets one a character */
export function readPathArgument(
  session: Session,
  verb: 'mail' | 'rcpt',
  octets: string,
): Awaitable<ParsedPath | null> {
  const argument = decodeUtf8(octets);
  session.connection.notes.set(pathVerbs[verb].note, argument ?? octets);
  if (argument === null) {
    session.reply(notUtf8);
    return null;
  }
  return whenReady(session.ask(`${verb}_parse`, argument), (asked) => {
    if (asked.denial !== undefined) {
      session.answerSyntax(asked.denial, 'address is malformed');
      return null;
    }
    const parsed = asked.value ?? pathVerbs[verb].parse(argument);
    if (!isParseFailure(parsed)) return parsed;
    session.reply({ code: 501, status: '5.5.4', lines: [parsed.problem] });
    return null;
  });
}

/** The path that counts; null when the client has its answer already. */
export function replacedPath(
  session: Session,
  verb: 'mail' | 'rcpt',
  { path, params }: ParsedPath,
): Awaitable<string | null> {
  return whenReady(session.ask(`${verb}_pre`, path, params), (given) => {
    if (given.denial === undefined) return given.value ?? path;
    session.answer(verb, given.denial, path);
    return null;
  });
}

/** The reply to a path that is no address here. @param utf8 whether it was allowed to hold UTF-8 */
export function refusedPath(verb: 'mail' | 'rcpt', path: string, utf8: boolean): Reply {
  return utf8 || isAscii(path) ? pathVerbs[verb].malformed : beyondAscii;
}

/** The reply to an argument that is neither ASCII nor UTF-8. */
export const notUtf8: Reply = { code: 501, status: '5.5.2', lines: ['the command is not in UTF-8'] };

/** The reply to text beyond ASCII where the client has not said SMTPUTF8, RFC 6531 section 3.5. */
export const beyondAscii: Reply = {
  code: 553,
  status: '5.6.7',
  lines: ['an address beyond ASCII needs the parameter SMTPUTF8'],
};
