// HELP, RFC 5321 section 4.1.1.8.

import type { Verb } from '../verb.ts';

export const help: Verb = {
  name: 'help',
  async run(session, argument) {
    const verdict = await session.decide('help', argument);
    const speaks = verdict.code === 'OK' || verdict.code === 'DECLINED';
    if (!speaks || verdict.text.length > 0) return session.answer('help', verdict);
    // Who gives a greeting of his own may want to keep the name of the program to himself.
    const hidden = (await session.engine.lookup.value('smtpgreeting')) !== null;
    const name = hidden ? 'This is an SMTP server.' : `This is qpsmtpd ${session.engine.world.version}.`;
    const login = session.mechanisms.length > 0 ? ' AUTH' : '';
    const commands = `Commands: HELO EHLO${login} MAIL RCPT DATA RSET NOOP VRFY HELP QUIT`;
    session.reply({ code: 214, status: '2.0.0', lines: [name, commands] });
  },
};
