// Refuses recipients listed in config/badrcptto (qpsmtpd: plugins/badrcptto).

import {
  type Address,
  type AddressEntry,
  type AtEnvelope,
  addressEntryWarning,
  declined,
  definePlugin,
  deny,
  listFile,
  parseAddressEntry,
  whenReady,
} from 'qpsmtpd';

export default definePlugin({
  name: 'badrcptto',
  summary: 'refuses listed recipients',
  docs: `Looks the address of RCPT up in the file badrcptto. The first entry that matches counts: the recipient is
refused for good, and the client's karma falls by 2. The client is told the entry's reason; without one it hears
that there is no such mailbox.

Entries are those of badmailfrom: an address, @HOST, or a pattern in Perl's dialect (between slashes where it could be
an address), each with a reason behind it if wanted. Everything matches in any case, patterns too.

Relay clients, whitelisted hosts and whitelisted senders may write to listed recipients. The plugin has to
stand above the one that accepts recipients, usually rcpt_ok.

Example, in config/badrcptto: % no percent hack here

Log lines: "pass", "fail" with the entry, "skip" with the reason where nothing was looked up.`,
  files: {
    badrcptto: listFile({
      form: 'ADDRESS|@HOST|PATTERN [REASON]',
      doc: 'recipients to refuse, and what to tell the client',
      parse: (line) => parseAddressEntry(line, { ignoreCase: true }),
      warn: addressEntryWarning,
    }),
  },
  sideEffects: false,
  setup({ files }) {
    return {
      rcpt(at, recipient) {
        if (at.isImmune()) return declined;
        if (recipient.domain === '') {
          at.log.info('skip, recipient without a domain');
          return declined;
        }
        return whenReady(files.badrcptto(at), (list) => check(at, recipient, list));
      },
    };
  },
});

function check(at: AtEnvelope, recipient: Address, list: readonly AddressEntry[]) {
  const found = list.find((entry) => entry.matches(recipient));
  if (found === undefined) {
    at.log.info(list.length === 0 ? 'skip, empty list' : 'pass');
    return declined;
  }
  at.adjustKarma(-2);
  at.log.info(`fail, ${found.entry}`);
  if (found.reason !== null) return deny(found.reason, '5.7.1');
  return deny(`no mail for ${recipient} is accepted here`, 'noSuchUser');
}
