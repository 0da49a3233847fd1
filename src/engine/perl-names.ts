// Plugins of Perl's qpsmtpd that this version does not have: a line from there may name them.

import { formerNames } from './former-names.ts';

const perlPlugins: ReadonlySet<string> = new Set(
  `
  auth/auth_checkpassword auth/auth_cvm_unix_local auth/auth_imap auth/auth_ldap_bind auth/auth_vpopmail
  auth/auth_vpopmail_sql auth/auth_vpopmaild bogus_bounce content_log dkim dmarc domainkeys dspam
  fcrdns greylisting headers http_config ident/geoip ident/p0f karma milter qmail_deliverable
  rcpt_map rcpt_regexp resolvable_fromhost sender_permitted_from spamassassin uribl virus/aveclient
  virus/bitdefender virus/clamav virus/clamdscan virus/hbedv virus/kavscanner virus/klez_filter virus/sophie virus/uvscan
  whitelist
  `
    .trim()
    .split(/\s+/),
);

/** What to tell an operator who wants a plugin that is not there; null for one that qpsmtpd never had. */
export function perlNameHint(name: string): string | null {
  const present = Object.hasOwn(formerNames, name) ? (formerNames[name] ?? name) : name;
  if (!perlPlugins.has(present)) return null;
  return 'this plugin of qpsmtpd is not in this version: leave the line out, or write your own for plugin_dirs';
}
