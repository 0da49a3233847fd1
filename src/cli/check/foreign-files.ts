// Names of files that others keep in a configuration folder: qmail's programs, whose control folder the server
// shares, Perl plugins that are not loaded here, editors and package managers.

/** qmail-control(5), and what the usual patches of qmail and its neighbours read. */
const qmailFiles = [
  ...[
    'aliasempty',
    'badext',
    'badhelo',
    'badloadertypes',
    'badmailfromnorelay',
    'badmailto',
    'badmailtonorelay',
  ],
  ...['badmimetypes', 'blacklist', 'bouncefrom', 'bouncehost', 'brtlimit', 'clientca.pem', 'clientcert.pem'],
  ...['clientcrl.pem', 'concurrencyincoming', 'concurrencylocal', 'concurrencyremote', 'cryptoprovider'],
  ...[
    'defaultdelivery',
    'defaultdomain',
    'defaulthost',
    'dh1024.pem',
    'dh2048.pem',
    'dh512.pem',
    'dkimdomains',
  ],
  ...[
    'dnsbllist',
    'dnswlist',
    'domainbindings',
    'doublebouncehost',
    'doublebounceto',
    'envnoathost',
    'etrnhosts',
  ],
  ...[
    'filterargs',
    'goodmailaddr',
    'goodrcptto',
    'greetdelay',
    'helohost',
    'idhost',
    'localiphost',
    'locals',
  ],
  ...['logcount', 'logsize', 'maxrcpt', 'maxrecipients', 'mfcheck', 'moreipme', 'notipme', 'notlshosts'],
  ...['outgoingip', 'outgoingips', 'percenthack', 'plusdomain', 'qmqpservers', 'queuelifetime', 'rbllist'],
  ...[
    'relaymailfrom',
    'rsa2048.pem',
    'rsa512.pem',
    'servercert.pem',
    'servercert.rand',
    'signatures',
    'simcontrol',
  ],
  ...[
    'smtproutes',
    'smtpauthuser',
    'spfbehavior',
    'spfexp',
    'spfexplain',
    'spfguess',
    'spfrules',
    'surblhosts',
  ],
  ...['tarpitcount', 'tarpitdelay', 'taps', 'timeoutconnect', 'timeoutremote', 'tlsclientciphers'],
  ...['tlsserverciphers', 'tlshosts', 'validrcptto', 'virtualdomains'],
];

/** Files of plugins of qpsmtpd, by name: these plugins may not be there at all. */
export const filesOfPlugins: Readonly<Record<string, string>> = {
  add_geoip_headers: 'ident/geoip',
  content_log_enabled: 'content_log',
  content_log_file: 'content_log',
  denysoft_greylist: 'greylisting',
  greylist_exclude_files: 'greylisting',
  hbedv_deny: 'virus/hbedv',
  invalid_resolvable_fromhost: 'resolvable_fromhost',
  karma_tlds: 'karma',
  kav_deny: 'virus/kavscanner',
  ldap: 'auth/auth_ldap_bind',
  'mail-dmarc.ini': 'dmarc',
  p0f_blocked_operating_systems: 'ident/p0f',
  public_suffix_list: 'dmarc',
  rcpt_regexp: 'rcpt_regexp',
  'smtpauth-checkpassword': 'auth/auth_checkpassword',
  spfbehavior: 'sender_permitted_from',
  subject_prefix: 'spamassassin',
  uribl_whitelist_domains: 'uribl',
  uribl_zones: 'uribl',
  vpopmail_mysql_dsn: 'auth/auth_vpopmail_sql',
  vpopmail_mysql_pass: 'auth/auth_vpopmail_sql',
  vpopmail_mysql_user: 'auth/auth_vpopmail_sql',
  whitelisthelo: 'whitelist',
  whitelisthosts: 'whitelist',
  whitelistrcpt: 'whitelist',
  whitelistsenders: 'whitelist',
};

/** Read by scripts around the server: the address for tcpserver, the table of a log tool, Debian's answers. */
const scriptFiles = ['IP', 'log2sql', 'debconf-settings'];

const qmailNames: ReadonlySet<string> = new Set(qmailFiles);
const otherNames: ReadonlySet<string> = new Set([...scriptFiles, 'Makefile', 'LICENSE']);

/** Hidden files, what editors and package managers leave behind, keys and certificates, what Debian's package writes. */
const HARMLESS: readonly RegExp[] = [
  /^[.#]/,
  /~$/,
  /^README/i,
  /^debian-/,
  /[.-](?:bak|backup|old|orig|save|saved|rej|sample|example|dist|disabled|off|new|tmp|swp|lock|md|txt|\d{4,})$/i,
  /\.(?:dpkg|ucf|rpm|pac)(?:-?[a-z]+)$/,
  /\.(?:pem|crt|cer|key|csr)$/,
];

export function isQmailFile(name: string): boolean {
  return qmailNames.has(name.replace(/\.cdb$/, ''));
}

/** Whether nobody need be told that the server does not read it. */
export function isForeignFile(name: string): boolean {
  return isQmailFile(name) || otherNames.has(name) || HARMLESS.some((form) => form.test(name));
}
