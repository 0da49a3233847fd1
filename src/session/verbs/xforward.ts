// XFORWARD (XFORWARD_README of Postfix): a filter in front of this server says where the message that comes next
// had come from. For log and plugins; it changes nothing that the client may do.

import { parseProxyAttributes } from '../../protocol/proxy-attributes.ts';
import { mayXforward, xforwardAttributes } from '../trusted-proxies.ts';
import type { Verb } from '../verb.ts';

export const xforward: Verb = {
  name: 'xforward',
  isOffered: mayXforward,
  async run(session, argument) {
    if (session.transaction.sender !== null) {
      return session.reply({ code: 503, status: '5.5.1', lines: ['say XFORWARD before MAIL'] });
    }
    const given = parseProxyAttributes(argument, xforwardAttributes);
    if ('problem' in given) return session.reply({ code: 501, status: '5.5.4', lines: [given.problem] });
    const facts = new Map(session.connection.forwarded ?? []);
    for (const [name, value] of given) {
      if (value === null) facts.delete(name);
      else facts.set(name, value);
    }
    session.connection.forwarded = facts;
    session.reply({ code: 250, status: '2.0.0', lines: ['ok'] });
  },
};
