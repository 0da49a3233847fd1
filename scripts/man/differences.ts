// In what a plugin differs from the one of its name in Perl's qpsmtpd 0.94 to 1.00, as somebody may notice who has used
// that; null: in nothing. What differs for all of them (replies, time limits, reject) is in docs/UPGRADING.md. The tests
// want a line for every bundled plugin.

/** Plugins that Perl's qpsmtpd does not have. */
const ours = 'there is none of this name.';

export const differences = {
  'auth/auth_flat_file':
    'the user name is no pattern, entries with capitals are found, and passwords may be hashes; one in clear that begins like a hash needs {PLAIN}.',
  'auth/authdeny': 'the reply is the 535 of every failed login.',
  badmailfrom:
    'an entry that is a legal address means that address, be there a + or ! in it; a pattern that could be an address stands between slashes.',
  badmailfromto: 'all lines of a sender count, not the last one alone.',
  badrcptto:
    'entries are read as those of badmailfrom; a pattern keeps its capitals, so that \\D does not become \\d.',
  connection_time: null,
  count_unrecognized_commands: null,
  dns_whitelist_soft:
    'the lists have 4 seconds from the connection on, not from RCPT; answers outside of 127.0.0.0/8 list nobody; IPv6 clients are asked for.',
  dnsbl:
    'all zones are asked at once, for 5 seconds in all, and for A: answers outside of 127.0.0.0/8 list nobody; texts of dnsbl_zones, dnsbl_rejectmsg and RBLSMTPD are obeyed; the mark is taken away for postmaster and the like alone; IPv6 clients are asked for, private addresses are not.',
  dont_require_anglebrackets: null,
  earlytalker:
    'reject_type is temp unless it is said, also with defer-reject; check-at DATA sees what came in one packet with DATA, and then closes the connection.',
  helo: 'reject_type is obeyed, literals are compared with the address of the client, unless they are private, and a name without addresses is refused under rfc; an error of the DNS is not held against the client; [192.0.2.1] in badhelo means itself.',
  help: 'a name without a slash is a file in help_dir; what is read is limited to 16384 octets.',
  hosts_allow:
    'an unknown word is a mistake of configuration; --max-from-ip counts without this plugin, and is answered 421.',
  loadcheck: 'uptime is not run: the system says its load.',
  'logging/adaptive':
    'a message counts as accepted once it is queued, be it that a recipient, or another message before it, was refused; what led to a message is marked with it; the mark is escaped where a client sends it; levels without their words are those of accept and reject.',
  'logging/apache': 'it runs without Apache, and does what logging/warn does.',
  'logging/connection_id': 'it works.',
  'logging/devnull': null,
  'logging/file':
    'hook and plugin stand before the text, and the number of the client behind the process; an unknown level is a mistake of configuration; a file that was moved away is opened anew; conversions are those of the C locale; %%i is no session; each process starts a command of its own, and with reopen each session.',
  'logging/syslog':
    'entries have the id of the client, the hook and the plugin before their text, as those of logging/warn have; logsock has only ways that there are, in the order of the line; priority 0 means emerg; a word that is not known is a mistake of configuration; socket, host and port are new.',
  'logging/transaction_id': 'it works.',
  'logging/warn': 'bytes that cannot be printed are escaped.',
  loop: 'a max_hops that is no number is a mistake of configuration.',
  naughty:
    'queue_post works; a phase that there is not is a mistake of configuration; a login clears the mark.',
  noop_counter: 'it counts in each connection, and a connection begins at 0 under prefork, too.',
  parse_addr_withhelo: 'a bare postmaster is taken.',
  'queue/discard': ours,
  'queue/exim-bsmtp': "Exim's codes reach the client: 4xx stays 4xx. Local parts keep their quotes.",
  'queue/lmtp': ours,
  'queue/maildir':
    'a message is synced to disk before its 250; nothing can be written outside of DIR; with folders for each recipient, Delivered-To names that one alone.',
  'queue/pipe': ours,
  'queue/postfix-queue': 'local parts that need quotes keep them.',
  'queue/qmail-queue':
    'permanent failures are 5xx. Local parts keep their quotes, which qmail itself does not expect: addresses plain is for it.',
  'queue/qmqp': ours,
  'queue/smtp-forward':
    "the next server's 5xx are 5xx. TLS, logins, several servers and kept connections are new.",
  'queue/spool': ours,
  quit_fortune: 'the program is started at most once a second.',
  random_error: '0 means never.',
  rcpt_ok: 'whitelisted hosts and senders may not relay: they pass checks only.',
  relay:
    'networks include their first and last address, in norelayclients, too; ::1 may relay only if it is listed.',
  rhsbl:
    'all zones are asked at once, for 5 seconds in all, and for A: answers outside of 127.0.0.0/8 list nobody; texts of rhsbl_zones are shown.',
  stunnel:
    'the PROXY line counts only as the first octets of a connection, from this host; a local client without one waits for half a second.',
  tls: 'a certificate that cannot be read is an error at the start; TLS 1.0 and 1.1 have to be asked for; a handshake that fails ends the connection; sni, client_cert and ticket keys are new.',
  user_config: 'an address whose path would leave the folder has no folder.',
} as const satisfies Readonly<Record<string, string | null>>;

export function isCompared(name: string): name is keyof typeof differences {
  return Object.hasOwn(differences, name);
}
