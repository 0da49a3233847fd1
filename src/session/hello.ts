// What HELO, EHLO (RFC 5321 section 4.1.1.1) and LHLO (RFC 2033 section 4.1) have in common.

import type { Hello } from '../contract/connection.ts';
import type { Session } from './session.ts';
import { offerToProxy } from './trusted-proxies.ts';

/**
 * Reads the name, asks the plugins and takes the hello; the transaction under way ends (section 4.1.4).
 * Gives false when the client has its answer already.
 */
export async function takeHello(session: Session, verb: Hello['verb'], argument: string): Promise<boolean> {
  if (session.connection.service.lmtp && verb !== 'lhlo') {
    session.reply({ code: 500, status: '5.5.1', lines: ['this is LMTP, say LHLO'] });
    return false;
  }
  const hook = verb === 'helo' ? 'helo' : 'ehlo';
  const parsed = await session.ask(`${hook}_parse`, argument);
  const host = parsed.value?.host ?? argument.split(' ', 1)[0] ?? '';
  if (host === '' || parsed.denial !== undefined) {
    const problem = `${verb.toUpperCase()} needs the name of your host`;
    if (parsed.denial !== undefined) session.answerSyntax(parsed.denial, problem);
    else session.reply({ code: 501, status: '5.5.4', lines: [problem] });
    return false;
  }
  const verdict = await session.decide(hook, host);
  if (verdict.code === 'DONE' || verdict.code.startsWith('DENY')) {
    session.answer(hook, verdict, host);
    return false;
  }
  if (session.connection.hello !== null) await session.resetTransaction();
  session.connection.hello = { verb, host };
  session.connection.forwarded = null;
  if (verb !== 'helo') offerToProxy(session);
  return true;
}

/** First line of the reply. */
export async function welcome({ engine, connection }: Session): Promise<string> {
  const me = await engine.lookup.value('me');
  return `${me} Hi ${connection.remoteInfo} [${connection.remoteIp}]`;
}
