// A conversation from greeting to goodbye: reads a line, finds the command, sends the replies of all lines that
// came together in one write. A fault in one command is answered 451 and stays in its own session.

import { isDenial } from '../contract/codes.ts';
import type { Awaitable } from '../contract/hooks.ts';
import { whenReady } from '../contract/when-ready.ts';
import { parseCommandLine } from '../protocol/command-line.ts';
import type { Line } from '../protocol/line-reader.ts';
import type { Session } from './session.ts';
import { verbs } from './verbs.ts';
import type { Chunk } from './wire.ts';

export interface Surroundings {
  /** the server is shutting down: no further command is begun */
  readonly isStopping: boolean;
}

/** Serves one client until it is gone. Never throws. */
export async function converse(session: Session, around: Surroundings): Promise<void> {
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

async function greet(session: Session): Promise<void> {
  const { connection, engine } = session;
  session.log('notice', `Connection from ${connection.remoteInfo} [${connection.remoteIp}]`);
  const verdict = await session.decide('connect');
  if (isDenial(verdict.code)) {
    session.answer('connect', verdict);
    return session.end('denied');
  }
  if (verdict.code === 'DONE') return session.answer('connect', verdict);
  const own = await engine.lookup.value('smtpgreeting');
  const text = own ?? `${await engine.lookup.value('me')} ESMTP qpsmtpd ${engine.world.version} ready`;
  session.reply({ code: 220, lines: [/\bESMTP\b/.test(text) ? text : `${text} ESMTP`] });
}

async function serveCommands(session: Session, around: Surroundings): Promise<void> {
  let withoutMail = 0;
  while (session.ended === null) {
    const line = takeLine(session);
    if (line === null) {
      takeChunk(session, await session.read());
      continue;
    }
    if (around.isStopping) {
      session.reply({ code: 421, status: '4.3.2', lines: ['the server is shutting down, try again later'] });
      return session.end('shutdown');
    }
    const messages = session.messages;
    const recipients = session.transaction.recipients.length;
    try {
      await obey(session, line);
    } catch (error) {
      reportFault(session, parseCommandLine(session.connection.commandLine).verb, error);
      session.reply({ code: 451, status: '4.3.0', lines: ['the server has a problem, try again later'] });
    }
    if (session.messages > messages) withoutMail = 0;
    // Recipients have a limit of their own: one message may have more of them than there may be idle commands.
    else if (session.transaction.recipients.length <= recipients) withoutMail++;
    if (session.ended === null && withoutMail > session.engine.store.value('max_commands_without_mail')) {
      session.log('warn', 'fail, too many commands without a mail');
      session.reply({ code: 421, status: '4.7.0', lines: ['too many commands without a mail'] });
      return session.end('denied');
    }
  }
}

/** The next command line, null while it has not come whole. */
function takeLine({ engine, input, connection }: Session): Line | null {
  // RFC 5321 section 4.5.3.1.4: extensions, and with them longer lines, come with EHLO.
  const longest = engine.store.value('max_command_line');
  return input.next(connection.hello?.verb === 'ehlo' ? longest : Math.min(512, longest));
}

function takeChunk(session: Session, chunk: Chunk): void {
  if (chunk === 'timeout') {
    session.reply({ code: 421, status: '4.4.2', lines: ['nothing came from you for too long'] });
    session.end('timeout');
  } else if (chunk === 'ended') {
    session.end('lost');
  } else {
    session.input.push(chunk);
  }
}

function obey(session: Session, line: Line): Awaitable<void> {
  if (line === 'too-long') {
    session.log('info', 'fail, command line is too long');
    return session.reply({ code: 500, status: '5.5.2', lines: ['command line is too long'] });
  }
  const { verb, argument } = parseCommandLine(line.text);
  if (session.engine.log.enabled('info')) {
    // Secrets never reach a log: whatever follows AUTH may be one.
    session.log('info', `dispatching ${verb === 'auth' ? 'AUTH <hidden credentials>' : line.text}`);
  }
  session.connection.commandLine = line.text;
  const known = verbs.get(verb);
  if (known !== undefined) return known.run(session, argument);
  return whenReady(session.decide('unrecognized_command', verb, argument), (verdict) =>
    session.answer('unrecognized_command', verdict),
  );
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
