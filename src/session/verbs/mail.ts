// MAIL, RFC 5321 section 4.1.1.2. Inside of a transaction it begins a new one, as in qmail and qpsmtpd.

import { Address } from '../../protocol/address.ts';
import { refuseMailParams } from '../esmtp-params.ts';
import { readPathArgument, replacedPath } from '../path-argument.ts';
import type { Verb } from '../verb.ts';

// What qmail and old clients send for the null sender.
const NULL_SENDERS = new Set(['<>', '<#@[]>', '<[undefined]>']);

export const mail: Verb = {
  name: 'mail',
  async run(session, argument) {
    const { connection } = session;
    await session.resetTransaction();
    if (connection.hello === null) {
      return session.reply({ code: 503, status: '5.5.1', lines: ['say HELO or EHLO first'] });
    }
    connection.notes.set('envelope_from', argument);
    const parsed = await readPathArgument(session, 'mail', argument);
    if (parsed === null) return;
    const path = await replacedPath(session, 'mail', parsed);
    if (path === null) return;
    const sender = NULL_SENDERS.has(path) ? Address.nullSender : Address.parse(path);
    if (sender === null) {
      return session.reply({ code: 501, status: '5.1.7', lines: ['sender address is malformed'] });
    }
    const databytes = await session.engine.lookup.value('databytes');
    const refusal = refuseMailParams(parsed.params, connection, databytes);
    if (refusal !== null) return session.reply(refusal);

    const verdict = await session.decide('mail', sender, parsed.params);
    if (verdict.code === 'OK' || verdict.code === 'DECLINED') {
      session.transaction.sender = sender;
      session.transaction.params = parsed.params;
    }
    session.answer('mail', verdict, sender.path);
  },
};
