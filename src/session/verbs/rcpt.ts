// RCPT, RFC 5321 section 4.1.1.3. Only OK from a plugin takes the recipient.

import { Address } from '../../protocol/address.ts';
import { refuseRcptParams } from '../esmtp-params.ts';
import { readPathArgument, replacedPath } from '../path-argument.ts';
import type { Verb } from '../verb.ts';

export const rcpt: Verb = {
  name: 'rcpt',
  async run(session, argument) {
    const { connection, transaction, engine } = session;
    connection.notes.set('envelope_rcpt', argument);
    const parsed = await readPathArgument(session, 'rcpt', argument);
    if (parsed === null) return;
    if (transaction.sender === null) {
      return session.reply({ code: 503, status: '5.5.1', lines: ['say MAIL before RCPT'] });
    }
    const path = await replacedPath(session, 'rcpt', parsed);
    if (path === null) return;
    const recipient = Address.parse(path);
    if (recipient === null || recipient.isNull) {
      return session.reply({ code: 501, status: '5.1.3', lines: ['recipient address is malformed'] });
    }
    const refusal = refuseRcptParams(parsed.params, connection);
    if (refusal !== null) return session.reply(refusal);
    if (transaction.recipients.length >= engine.store.value('max_recipients')) {
      return session.reply({
        code: 452,
        status: '4.5.3',
        lines: ['too many recipients, send the rest later'],
      });
    }
    const verdict = await session.decide('rcpt', recipient, parsed.params);
    if (verdict.code === 'OK') transaction.addRecipient(recipient, parsed.params);
    session.answer('rcpt', verdict, recipient.path);
  },
};
