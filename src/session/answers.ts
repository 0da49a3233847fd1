// What the server says to each verdict of each hook: qpsmtpd's codes with enhanced status codes (RFC 2034).
// `%s` stands for what the command was about. A row that is missing does not compile.

import type { Code } from '../contract/codes.ts';
import type { DecideHook } from '../contract/hooks.ts';
import type { Verdict } from '../contract/verdict.ts';
import type { EnhancedStatus } from '../protocol/enhanced-status.ts';
import type { Reply } from '../protocol/reply.ts';

type Cell = readonly [code: number, status: EnhancedStatus | null, text: string];
type Row = Readonly<Record<Exclude<Code, 'DONE'>, Cell>>;

/** Hooks whose verdict becomes the reply to a command. The auth hooks are answered by the AUTH command. */
export type AnsweredHook = Exclude<DecideHook, 'auth' | `auth-${string}`>;

function row(agreed: Cell, deny: Cell, denySoft: Cell, disconnect: { hard?: Cell; soft?: Cell } = {}): Row {
  return {
    OK: agreed,
    DECLINED: agreed,
    DENY: deny,
    DENYSOFT: denySoft,
    DENY_DISCONNECT: disconnect.hard ?? deny,
    DENYSOFT_DISCONNECT: disconnect.soft ?? denySoft,
  };
}

const hello = row(
  [250, null, ''],
  [550, '5.7.1', '%s, you are not welcome'],
  [450, '4.7.1', '%s, you are not welcome now'],
);
const connect = row(
  [220, null, ''],
  [550, '5.7.1', 'connection refused'],
  [450, '4.7.1', 'connection refused for now, try again later'],
);
const refusedMessage: Cell = [552, '5.7.1', 'message refused'];
const delayedMessage: Cell = [452, '4.7.1', 'message refused for now, try again later'];
const message = row([250, '2.0.0', 'queued'], refusedMessage, delayedMessage);
const data = row(
  [354, null, 'go ahead, end with CRLF.CRLF'],
  [554, '5.7.1', 'message refused'],
  [451, '4.7.1', 'message refused for now, try again later'],
);

export const answers: Readonly<Record<AnsweredHook, Row>> = {
  'pre-connection': row(
    connect.OK,
    [550, '5.7.1', 'no service for you here'],
    [451, '4.7.1', 'no service for you now, try again later'],
  ),
  connect,
  helo: hello,
  ehlo: hello,
  mail: row(
    [250, '2.1.0', '%s, sender ok'],
    [550, '5.7.1', '%s, sender refused'],
    [450, '4.7.1', '%s, sender refused for now'],
    { soft: [421, '4.7.1', '%s, sender refused for now'] },
  ),
  rcpt: {
    OK: [250, '2.1.5', '%s, recipient ok'],
    DECLINED: [450, '4.7.1', 'no plugin has decided whether mail may be sent there'],
    DENY: [550, '5.7.1', 'relaying denied'],
    DENYSOFT: [450, '4.7.1', 'relaying denied for now'],
    DENY_DISCONNECT: [550, '5.7.1', 'delivery denied'],
    DENYSOFT_DISCONNECT: [421, '4.7.1', 'relaying denied for now'],
  },
  data,
  data_headers_end: {
    ...data,
    DENYSOFT_DISCONNECT: [421, '4.7.1', 'message refused for now, try again later'],
  },
  data_post_headers: message,
  data_post: message,
  queue_pre: message,
  queue: { ...message, DECLINED: [451, '4.3.0', 'nothing took the message to the queue, try again later'] },
  vrfy: {
    ...row(
      [250, '2.1.5', 'there is such a user'],
      [554, '5.7.1', 'access denied'],
      [450, '4.7.1', 'not now, try again later'],
      { soft: [421, '4.7.1', 'not now, try again later'] },
    ),
    DECLINED: [252, '2.1.5', 'send a mail and see what becomes of it'],
  },
  noop: row(
    [250, '2.0.0', 'ok'],
    [500, '5.5.1', 'do not waste my time'],
    [450, '4.7.0', 'do not waste my time now'],
    { soft: [421, '4.7.0', 'do not waste my time now'] },
  ),
  help: row(
    [214, '2.0.0', ''],
    [500, '5.5.1', 'there is no help on that'],
    [450, '4.7.0', 'there is no help now'],
    { soft: [421, '4.7.0', 'there is no help now'] },
  ),
  quit: row(
    [221, '2.0.0', '%s closing connection'],
    [221, '2.0.0', '%s closing connection'],
    [221, '2.0.0', '%s closing connection'],
  ),
  unrecognized_command: row(
    [500, '5.5.1', 'command is unknown'],
    [500, '5.5.1', 'command is unknown'],
    [450, '4.5.1', 'command is not available now'],
    { hard: [521, '5.5.1', 'too many unknown commands'], soft: [421, '4.5.1', 'too many unknown commands'] },
  ),
};

/**
 * The reply to a verdict; null where a plugin has dealt with it and wants nothing sent. A denial that hands on what
 * another server has answered keeps that server's code.
 */
export function replyFor(hook: AnsweredHook, verdict: Verdict, subject = ''): Reply | null {
  if (verdict.code === 'DONE') return verdict.reply ?? null;
  const [usual, status, text] = answers[hook][verdict.code];
  const given = verdict.reply?.code;
  const code = given !== undefined && isMailCode(given, usual) ? given : usual;
  const lines = verdict.text.length > 0 ? verdict.text : [text.replace('%s', () => subject)];
  return { code, status: status === null ? undefined : (verdict.status ?? status), lines };
}

/** Of the same kind as `usual`, and about mail: what another server says of syntax is not about our client's. */
function isMailCode(code: number, usual: number): boolean {
  return Math.floor(code / 10) === Math.floor(usual / 100) * 10 + 5;
}

/** The reply to a command whose argument a parsing hook does not accept. @param problem when the plugin says none */
export function syntaxReplyFor(denial: Verdict, problem: string): Reply {
  const lines = denial.text.length > 0 ? denial.text : [problem];
  if (!denial.code.startsWith('DENYSOFT')) return { code: 501, status: denial.status ?? '5.5.4', lines };
  return { code: disconnects(denial.code) ? 421 : 451, status: denial.status ?? '4.5.4', lines };
}

/** Whether the connection ends with this verdict. */
export function disconnects(code: Code): boolean {
  return code.endsWith('_DISCONNECT');
}
