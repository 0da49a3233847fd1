// The argument of MAIL and RCPT up to its path and parameters: read by a plugin or by the core, then given to the
// hook that may put another path in its place.

import {
  isParseFailure,
  type ParsedPath,
  parseMailArgument,
  parseRcptArgument,
} from '../protocol/command-line.ts';
import type { Session } from './session.ts';

const parsers = { mail: parseMailArgument, rcpt: parseRcptArgument } as const;

/** Gives null when the client has its answer already. */
export async function readPathArgument(
  session: Session,
  verb: 'mail' | 'rcpt',
  argument: string,
): Promise<ParsedPath | null> {
  const asked = await session.ask(`${verb}_parse`, argument);
  if (asked.denial !== undefined) {
    session.answerSyntax(asked.denial, 'address is malformed');
    return null;
  }
  const parsed = asked.value ?? parsers[verb](argument);
  if (!isParseFailure(parsed)) return parsed;
  session.reply({ code: 501, status: '5.5.4', lines: [parsed.problem] });
  return null;
}

/** The path that counts; null when the client has its answer already. */
export async function replacedPath(
  session: Session,
  verb: 'mail' | 'rcpt',
  { path, params }: ParsedPath,
): Promise<string | null> {
  const given = await session.ask(`${verb}_pre`, path, params);
  if (given.denial === undefined) return given.value ?? path;
  session.answer(verb, given.denial, path);
  return null;
}
