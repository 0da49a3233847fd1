// Refuses senders listed in config/badmailfrom: qmail's file with reasons and patterns added (qpsmtpd:
// plugins/badmailfrom). What is an entry, and how it matches, is in the contract's address entries.

import {
  type Address,
  type AddressEntry,
  type AtSession,
  addressEntryWarning,
  declined,
  definePlugin,
  listFile,
  option,
  parseAddressEntry,
  whenReady,
} from 'qpsmtpd';

export default definePlugin({
  name: 'badmailfrom',
  summary: 'refuses listed senders',
  docs: `Looks the address of MAIL up in the file badmailfrom. The first entry that matches counts: the client is
refused with the entry's reason, or with words of the plugin's own where the entry has none, and its karma falls by 1.

An entry is an address, @HOST for all addresses of a host, or a pattern in Perl's dialect, each followed by a
reason if wanted. Addresses and hosts match in any case. An entry that is a legal address is an address,
so user+tag@example.com means just that. What cannot be an address is a pattern; what can be one, but is meant as a
pattern, is written between slashes: /^sales.*@example/. A pattern holds no blanks. It is searched for anywhere
in the address, which is in lower case by then, so write it in lower case and anchor it with ^ and $.

Bounces (MAIL FROM:<>), senders without a domain, relay clients, and whitelisted hosts and senders are let pass.

Example, in config/plugins: badmailfrom reject naughty

Log lines: "pass" for a sender that is not listed, "fail" with the entry for one that is, "skip" with the
reason where nothing was looked up.`,
  options: { ...option.reject() },
  files: {
    badmailfrom: listFile({
      form: 'ADDRESS|@HOST|PATTERN [REASON]',
      doc: 'senders to refuse, and what to tell them',
      parse: (line) => parseAddressEntry(line, { ignoreCase: false }),
      warn: addressEntryWarning,
    }),
  },
  sideEffects: false,
  order: [
    {
      hook: 'mail',
      after: ['whitelist'],
      otherwise: 'senders on their list are refused all the same',
    },
  ],
  setup({ files }) {
    return {
      mail(at, sender) {
        if (at.isImmune()) return declined;
        const exempt = whyExempt(sender);
        if (exempt === null) return whenReady(files.badmailfrom(at), (list) => check(at, sender, list));
        at.log.debug(`skip, ${exempt}`);
        return declined;
      },
    };
  },
});

function whyExempt(sender: Address): string | null {
  if (sender.isNull) return 'null sender';
  return sender.domain === '' ? 'sender without a domain' : null;
}

function check(at: AtSession, sender: Address, list: readonly AddressEntry[]) {
  const found = list.find((entry) => entry.matches(sender));
  if (found === undefined) {
    at.log.info(list.length === 0 ? 'skip, empty list' : 'pass');
    return declined;
  }
  at.adjustKarma(-1);
  const text = found.reason ?? 'mail from this sender address is not accepted here';
  return at.reject(text, { status: '5.7.1', log: found.entry });
}
