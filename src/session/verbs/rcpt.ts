// RCPT, RFC 5321 section 4.1.1.3. Only OK from a plugin takes the recipient.

import { Address } from '../../protocol/address.ts';
import { refuseParams } from '../esmtp-params.ts';
import { readPathArgument, refusedPath, replacedPath } from '../path-argument.ts';
import type { Verb } from '../verb.ts';

export const rcpt: Verb = {
  name: 'rcpt',
  async run(session, argument) {
    const { transaction, engine } = session;
    const parsed = await readPathArgument(session, 'rcpt', argument);
    if (parsed === null) return;
    if (transaction.sender === null) {
      return session.reply({ code: 503, status: '5.5.1', lines: ['say MAIL before RCPT'] });
    }
    const path = await replacedPath(session, 'rcpt', parsed);
    if (path === null) return;
    const utf8 = transaction.params.has('SMTPUTF8');
    const recipient = Address.parse(path, { utf8 });
    if (recipient === null || recipient.isNull) return session.reply(refusedPath('rcpt', path, utf8));
    const refusal = await refuseParams(session, 'rcpt', parsed.params, utf8);
    if (refusal !== null) return session.reply(refusal);
    if (transaction.recipients.length >= engine.store.value('max_recipients')) {
      return session.reply({
        code: 452,
        status: '4.5.3',
        lines: ['too many recipients, send the rest later'],
      });
    }
    const verdict = await session.decide('rcpt', recipient, parsed.params);
    if (verdict.code === 'OK') transaction.acceptRecipient(recipient, parsed.params);
    session.answer('rcpt', verdict, recipient.path);
  },
};
