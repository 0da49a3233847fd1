// A conversation from greeting to goodbye: reads a line, finds the command, sends the replies of all lines that
// came together in one write. A fault in one command is answered 451 and stays in its own session.

import type { Awaitable } from '../contract/hooks.ts';
import { whenReady } from '../contract/when-ready.ts';
import { parseCommandLine } from '../protocol/command-line.ts';
import type { Line } from '../protocol/line-reader.ts';
import { mayComeBetweenChunks } from './chunked-message.ts';
import { readMessage, takeChunk, takeLine } from './client-input.ts';
import { greet } from './greeting.ts';
import type { Load } from './limits.ts';
import type { Session } from './session.ts';
import { Tally } from './tally.ts';
import { verbs } from './verbs.ts';

// Also where somebody puts something else than a blank behind the verb, or one before it.
const HOLDS_SECRET = /^\s*auth/i;

export interface Surroundings extends Load {
  /** the server is shutting down: no further command is begun */
  readonly isStopping: boolean;
}

/** Serves one client until it is gone. Never throws. */
export async function converse(session: Session, around: Surroundings): Promise<void> {
  session.limits.load = around;
  try {
    await greet(session);
    await serveCommands(session, around);
  } catch (error) {
    reportFault(session, 'conversation', error);
    session.reply({ code: 421, status: '4.3.0', lines: ['the server has a problem, try again later'] });
    session.end('error');
  }
  await sayGoodbye(session);
}

async function serveCommands(session: Session, around: Surroundings): Promise<void> {
  const tally = new Tally(session);
  // A command has to come whole in the time in which anything has to come.
  let waitingSince: number | null = null;
  while (session.ended === null) {
    const line = takeLine(session);
    if (line === null) {
      const now = session.limits.now();
      waitingSince ??= now;
      const isMessage = session.chunked !== null;
      takeChunk(
        session,
        await (isMessage ? readMessage(session, now, waitingSince) : session.read(now, waitingSince)),
      );
      continue;
    }
    waitingSince = null;
    // A message under way is taken first, by BDAT as by DATA.
    if (around.isStopping && session.chunked === null) {
      session.reply({ code: 421, status: '4.3.2', lines: ['the server is shutting down, try again later'] });
      return session.end('shutdown');
    }
    tally.begin();
    try {
      await obey(session, line);
    } catch (error) {
      reportFault(session, parseCommandLine(session.connection.commandLine).verb, error);
      session.reply({ code: 451, status: '4.3.0', lines: ['the server has a problem, try again later'] });
    }
    const lastWords = tally.end(line);
    if (session.ended === null && lastWords !== null) {
      session.log('warn', `fail, ${lastWords.lines.join(' ')}`);
      session.reply(lastWords);
      return session.end('denied');
    }
  }
}

function obey(session: Session, line: Line): Awaitable<void> {
  if (line === 'too-long') {
    session.log('info', 'fail, command line is too long');
    return session.reply({ code: 500, status: '5.5.2', lines: ['command line is too long'] });
  }
  // Secrets never reach a log, nor plugins that may write one: whatever follows AUTH may be one.
  const isHidden = HOLDS_SECRET.test(line.text);
  const { verb, argument } = parseCommandLine(line.text);
  const shown = isHidden ? 'AUTH <hidden credentials>' : withoutSecret(line.text, verb);
  if (session.engine.log.enabled('info')) session.log('info', `dispatching ${shown}`);
  session.connection.commandLine = shown;
  if (session.chunked !== null && !mayComeBetweenChunks(verb)) {
    return session.reply({ code: 503, status: '5.5.1', lines: ['say BDAT or RSET first'] });
  }
  const known = verbs.get(verb);
  if (known !== undefined && known.isOffered?.(session) !== false) return known.run(session, argument);
  const heard = isHidden ? (['auth', ''] as const) : ([verb, argument] as const);
  return whenReady(session.decide('unrecognized_command', ...heard), (verdict) =>
    session.answer('unrecognized_command', verdict),
  );
}

// Who has not understood that AUTH was refused sends name and password all the same, each as a word of base64.
const COULD_BE_SECRET = /^(?=.*[a-z])(?=.*[A-Z\d+/=])[A-Za-z\d+/]+=*$/;

function withoutSecret(line: string, verb: string): string {
  return !verbs.has(verb) && COULD_BE_SECRET.test(line) ? '<hidden word>' : line;
}

async function sayGoodbye(session: Session): Promise<void> {
  session.flush();
  session.log('info', 'click, disconnecting');
  try {
    await session.watch('disconnect');
    await session.resetTransaction();
  } catch (error) {
    reportFault(session, 'disconnect', error);
  }
  session.close();
  await session.watch('post-connection');
}

function reportFault(session: Session, where: string, error: unknown): void {
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  session.log('crit', `error, fault in the server at ${where}: ${trace.replace(/\s*\n\s*/g, ' ')}`);
}
