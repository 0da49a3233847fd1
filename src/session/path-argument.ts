// The argument of MAIL and RCPT up to its path and parameters: read by a plugin or by the core, then given to the
// hook that may put another path in its place.

import type { Awaitable } from '../contract/hooks.ts';
import { whenReady } from '../contract/when-ready.ts';
import {
  isParseFailure,
  type ParsedPath,
  parseMailArgument,
  parseRcptArgument,
} from '../protocol/command-line.ts';
import type { Session } from './session.ts';

const parsers = { mail: parseMailArgument, rcpt: parseRcptArgument } as const;

/** Gives null when the client has its answer already. */
export function readPathArgument(
  session: Session,
  verb: 'mail' | 'rcpt',
  argument: string,
): Awaitable<ParsedPath | null> {
  return whenReady(session.ask(`${verb}_parse`, argument), (asked) => {
    if (asked.denial !== undefined) {
      session.answerSyntax(asked.denial, 'address is malformed');
      return null;
    }
    const parsed = asked.value ?? parsers[verb](argument);
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
