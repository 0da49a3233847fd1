// Names that plugins had before qpsmtpd 0.94 (aliases in the original's plugins/registry.txt, and the check_ names that
// Debian's 0.94-5 still has in its settings): a line with one loads the plugin of today, from what is built in.

export const formerNames: Readonly<Record<string, string>> = {
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
