// A message that has come in whole: filters, trace fields, queue, and the reply that says who is responsible for
// it now.

import { isDenial } from '../contract/codes.ts';
import type { Verdict } from '../contract/verdict.ts';
import { authResultsValue, receivedValue, transmissionType } from '../protocol/trace-fields.ts';
import { answerMessage, answerMessageHook, answerQueue } from './message-answer.ts';
import { decideQueue } from './queue-decision.ts';
import type { Session } from './session.ts';

const AUTH_RESULTS = 'Authentication-Results';

/** Runs the hooks from data_post_headers to queue_post and answers the message. */
export async function acceptMessage(session: Session): Promise<void> {
  try {
    await decideOnMessage(session);
  } catch (error) {
    // A client that counts replies would take the one for this fault for the first of several.
    if (session.connection.service.lmtp) session.end('error');
    throw error;
  }
}

async function decideOnMessage(session: Session): Promise<void> {
  if (await refuses(session, 'data_post_headers')) return;
  await addTraceFields(session);
  if (await refuses(session, 'data_post')) return;
  if (await refuses(session, 'queue_pre')) return;
  if (session.isClientGone) {
    // It most likely cannot hear that the message was taken, and will send it again.
    session.log('notice', 'fail, the client left before the message was queued: it is dropped');
    answerMessage(session, {
      code: 451,
      status: '4.4.2',
      lines: ['you left before the message was queued, send it again'],
    });
    return session.end('lost');
  }
  session.connection.isQueuing = true;
  const outcome = await decideQueue(session);
  session.connection.isQueuing = false;
  answerQueue(session, outcome);
  if (session.engine.dispatcher.has('queue_post')) {
    session.flush();
    await session.watch('queue_post', outcome);
  }
}

async function refuses(
  session: Session,
  hook: 'data_post_headers' | 'data_post' | 'queue_pre',
): Promise<boolean> {
  const verdict: Verdict = await session.decide(hook);
  if (verdict.code !== 'DONE' && !isDenial(verdict.code)) return false;
  answerMessageHook(session, hook, verdict);
  return true;
}

async function addTraceFields(session: Session): Promise<void> {
  const { lookup, store } = session.engine;
  const { header } = session.transaction;
  const me = await lookup.value('me');
  const authservId = store.value('me-auth-results') ?? me;
  // Who writes these fields vouches for them: what came in under that name is somebody else's word (RFC 8601
  // section 5). "none": the operator wants them left alone.
  if (authservId !== 'none') header.rename(AUTH_RESULTS, `Original-${AUTH_RESULTS}`);
  header.addTop('Received', await receivedText(session, me));
  if (authservId !== 'none') header.addTop(AUTH_RESULTS, authResultsText(session, authservId));
}

async function receivedText(session: Session, me: string): Promise<string> {
  const { connection, transaction, engine } = session;
  const protocol = transmissionType({
    verb: connection.hello?.verb ?? 'helo',
    tls: connection.tls !== null,
    login: connection.authentication?.passed ?? false,
    utf8: transaction.params.has('SMTPUTF8'),
  });
  const given = await session.ask('received_line', { protocol, connection });
  if (given.value !== undefined) return given.value;
  return receivedValue({
    remoteInfo: connection.remoteInfo,
    remoteIp: connection.remoteIp,
    helloHost: connection.hello?.host ?? '',
    protocol,
    tls: connection.tls,
    me,
    version: engine.world.version,
    date: engine.world.clock.now(),
  });
}

function authResultsText({ connection, transaction }: Session, authservId: string): string {
  const results = [...connection.authResults, ...transaction.authResults];
  return authResultsValue(authservId, connection.authentication, results);
}
