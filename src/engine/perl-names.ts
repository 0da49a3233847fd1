// Names of plugins that a line from Perl's qpsmtpd may have and that are not there: those that have another name since
// qpsmtpd 0.94, and those that this version does not have.

const formerNames: Readonly<Record<string, string>> = {
  check_badmailfrom: 'badmailfrom',
  check_badmailfrom_patterns: 'badmailfrom',
  check_badmailfromto: 'badmailfromto',
  check_badrcptto: 'badrcptto',
  check_badrcptto_patterns: 'badrcptto',
  check_basicheaders: 'headers',
  check_bogus_bounce: 'bogus_bounce',
  check_earlytalker: 'earlytalker',
  check_loop: 'loop',
  check_norelay: 'relay',
  check_relay: 'relay',
  check_spamhelo: 'helo',
  relay_only: 'relay',
  require_resolvable_fromhost: 'resolvable_fromhost',
};

const perlPlugins: ReadonlySet<string> = new Set([
  ...['auth/auth_checkpassword', 'auth/auth_cvm_unix_local', 'auth/auth_imap', 'auth/auth_ldap_bind'],
  ...[
    'auth/auth_vpopmail',
    'auth/auth_vpopmail_sql',
    'auth/auth_vpopmaild',
    'bogus_bounce',
    'content_log',
    'dkim',
  ],
  ...[
    'dmarc',
    'dns_whitelist_soft',
    'dnsbl',
    'domainkeys',
    'dspam',
    'fcrdns',
    'greylisting',
    'headers',
    'helo',
  ],
  ...['http_config', 'ident/geoip', 'ident/p0f', 'karma', 'logging/adaptive', 'logging/apache'],
  ...[
    'logging/connection_id',
    'logging/devnull',
    'logging/file',
    'logging/syslog',
    'logging/transaction_id',
    'loop',
  ],
  ...['milter', 'qmail_deliverable', 'rcpt_map', 'rcpt_regexp', 'resolvable_fromhost', 'rhsbl'],
  ...[
    'sender_permitted_from',
    'spamassassin',
    'uribl',
    'virus/aveclient',
    'virus/bitdefender',
    'virus/clamav',
  ],
  ...[
    'virus/clamdscan',
    'virus/hbedv',
    'virus/kavscanner',
    'virus/klez_filter',
    'virus/sophie',
    'virus/uvscan',
  ],
  'whitelist',
]);

/** What to tell an operator who wants a plugin that is not there; null for one that qpsmtpd never had. */
export function perlNameHint(name: string, isThere: (name: string) => boolean): string | null {
  const present = Object.hasOwn(formerNames, name) ? (formerNames[name] ?? name) : name;
  if (present !== name && isThere(present)) return `it is called "${present}" now`;
  if (!perlPlugins.has(present)) return null;
  return 'this plugin of qpsmtpd is not in this version: leave the line out, or write your own for plugin_dirs';
}
