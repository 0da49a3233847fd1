// Parameters of MAIL and RCPT: those of the core's extensions that are offered, AUTH (RFC 4954), and those of
// extensions that plugins have offered. Others are refused (RFC 5321 section 4.1.1.11).

import type { Awaitable } from '../contract/hooks.ts';
import { whenReady } from '../contract/when-ready.ts';
import type { EsmtpParams } from '../protocol/command-line.ts';
import { isMailAuth } from '../protocol/esmtp-values.ts';
import type { Reply } from '../protocol/reply.ts';
import { badValue, type ParamContext } from './extension-params.ts';
import { knownParams } from './extensions.ts';
import type { Session } from './session.ts';

/** What is wrong with the parameters, as a reply; null when nothing is. @param utf8 whether UTF-8 may stand in them */
export function refuseParams(
  session: Session,
  verb: 'mail' | 'rcpt',
  params: EsmtpParams,
  utf8: boolean,
): Awaitable<Reply | null> {
  if (params.size === 0) return null;
  if (!params.has('SIZE')) return refuseFirst(verb, params, { session, databytes: 0, utf8 });
  return whenReady(session.engine.lookup.value('databytes'), (databytes) =>
    refuseFirst(verb, params, { session, databytes, utf8 }),
  );
}

function refuseFirst(verb: 'mail' | 'rcpt', params: EsmtpParams, context: ParamContext): Reply | null {
  for (const [keyword, value] of params) {
    const refusal = refuseParam(verb, keyword, value, context);
    if (refusal !== null) return refusal;
  }
  return null;
}

function refuseParam(
  verb: 'mail' | 'rcpt',
  keyword: string,
  value: string | true,
  context: ParamContext,
): Reply | null {
  const { engine, connection } = context.session;
  const known = knownParams[verb].get(keyword);
  if (known !== undefined && engine.extensions().has(known.extension)) {
    return known.refuse(keyword, value, context);
  }
  // Who may say it and what it is worth depends on the login; it is taken from everybody, as in qpsmtpd.
  if (verb === 'mail' && keyword === 'AUTH') {
    return value !== true && isMailAuth(value) ? null : badValue(keyword);
  }
  if (connection.takesParam(verb, keyword)) return null;
  return { code: 555, status: '5.5.4', lines: [`parameter ${keyword} is unknown`] };
}
