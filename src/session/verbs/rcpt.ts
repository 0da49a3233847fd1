// RCPT, RFC 5321 section 4.1.1.3. Only OK from a plugin takes the recipient.

import { Address } from '../../protocol/address.ts';
import { isParseFailure, parseRcptArgument } from '../../protocol/command-line.ts';
import { refuseRcptParams } from '../esmtp-params.ts';
import type { Verb } from '../verb.ts';

export const rcpt: Verb = {
  name: 'rcpt',
  async run(session, argument) {
    const { connection, transaction, engine } = session;
    connection.notes.set('envelope_rcpt', argument);
    const asked = await session.ask('rcpt_parse', argument);
    const parsed = asked.value ?? parseRcptArgument(argument);
    if (asked.denial !== undefined || isParseFailure(parsed)) {
      const problem = asked.denial?.text[0] ?? (isParseFailure(parsed) ? parsed.problem : '');
      return session.reply({ code: 501, status: '5.5.4', lines: [problem] });
    }
    if (transaction.sender === null) {
      return session.reply({ code: 503, status: '5.5.1', lines: ['say MAIL before RCPT'] });
    }
    const given = await session.ask('rcpt_pre', parsed.path, parsed.params);
    const recipient = Address.parse(given.value ?? parsed.path);
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
