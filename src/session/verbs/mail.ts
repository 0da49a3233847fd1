// MAIL, RFC 5321 section 4.1.1.2. Inside of a transaction it begins a new one, as in qmail and qpsmtpd.

import { Address } from '../../protocol/address.ts';
import { refuseParams } from '../esmtp-params.ts';
import { readPathArgument, refusedPath, replacedPath } from '../path-argument.ts';
import type { Verb } from '../verb.ts';

// What qmail and old clients send for the null sender.
const NULL_SENDERS = new Set(['<>', '<#@[]>', '<[undefined]>']);

export const mail: Verb = {
  name: 'mail',
  async run(session, argument) {
    await session.resetTransaction();
    session.transaction.number = ++session.mailCommands;
    if (session.connection.hello === null) {
      return session.reply({ code: 503, status: '5.5.1', lines: ['say HELO or EHLO first'] });
    }
    const parsed = await readPathArgument(session, 'mail', argument);
    if (parsed === null) return;
    const { params } = parsed;
    const path = await replacedPath(session, 'mail', parsed);
    if (path === null) return;
    const utf8 = params.has('SMTPUTF8');
    const sender = NULL_SENDERS.has(path) ? Address.nullSender : Address.parse(path, { utf8 });
    if (sender === null) return session.reply(refusedPath('mail', path, utf8));
    const refusal = await refuseParams(session, 'mail', params, utf8);
    if (refusal !== null) return session.reply(refusal);

    const verdict = await session.decide('mail', sender, params);
    if (verdict.code === 'OK' || verdict.code === 'DECLINED') {
      session.transaction.sender = sender;
      session.transaction.params = params;
      session.transaction.answersEach = session.connection.service.lmtp || params.has('PRDR');
    }
    session.answer('mail', verdict, sender.path);
  },
};
