// Enhanced status codes (RFC 3463) by the names that qpsmtpd's plugins know them by, each with the class
// of reply a plugin means when it says no more than the name.

/** `class.subject.detail`, RFC 3463 section 2. */
export type EnhancedStatus = `${2 | 4 | 5}.${number}.${number}`;

interface NamedStatus {
  /** subject and detail, without the class digit */
  readonly code: `${number}.${number}`;
  /** class when the plugin does not choose one itself */
  readonly usually: 4 | 5;
  readonly text: string;
}

export const namedStatus = {
  unspecified: { code: '0.0', usually: 4, text: 'unspecified problem' },
  addrUnspecified: { code: '1.0', usually: 4, text: 'problem with the address' },
  noSuchUser: { code: '1.1', usually: 5, text: 'no such mailbox here' },
  addrBadDestSystem: { code: '1.2', usually: 5, text: 'destination host is not valid' },
  addrBadDestSyntax: { code: '1.3', usually: 5, text: 'destination address is malformed' },
  addrDestAmbiguous: { code: '1.4', usually: 4, text: 'destination address is ambiguous' },
  addrMailboxMoved: { code: '1.6', usually: 5, text: 'mailbox has moved' },
  addrBadFromSyntax: { code: '1.7', usually: 5, text: 'sender address is malformed' },
  addrBadFromSystem: { code: '1.8', usually: 5, text: 'sender host is not valid' },
  userUnspecified: { code: '2.0', usually: 4, text: 'problem with the mailbox' },
  mailboxDisabled: { code: '2.1', usually: 5, text: 'mailbox is disabled' },
  mailboxFull: { code: '2.2', usually: 4, text: 'mailbox is full' },
  userMessageTooBig: { code: '2.3', usually: 5, text: 'message is too big for this mailbox' },
  mailingListProblem: { code: '2.4', usually: 4, text: 'mailing list cannot be expanded' },
  sysUnspecified: { code: '3.0', usually: 4, text: 'problem with this mail system' },
  sysDiskFull: { code: '3.1', usually: 4, text: 'mail system is full' },
  sysNotAcceptingMail: { code: '3.2', usually: 4, text: 'not accepting mail now' },
  sysNotSupported: { code: '3.3', usually: 5, text: 'feature is not supported' },
  sysMessageTooBig: { code: '3.4', usually: 5, text: 'message is too big' },
  sysIncorrectlyConfigured: { code: '3.5', usually: 4, text: 'system is not configured correctly' },
  netUnspecified: { code: '4.0', usually: 4, text: 'network problem' },
  netNoAnswer: { code: '4.1', usually: 4, text: 'no answer from host' },
  netBadConnection: { code: '4.2', usually: 4, text: 'bad connection' },
  netDirectoryFailure: { code: '4.3', usually: 4, text: 'temporary resolution failure' },
  netUnableToRoute: { code: '4.4', usually: 4, text: 'unable to route' },
  netCongestion: { code: '4.5', usually: 4, text: 'too busy' },
  tooManyHops: { code: '4.6', usually: 5, text: 'mail loop found' },
  protoUnspecified: { code: '5.0', usually: 4, text: 'protocol problem' },
  protoInvalidCommand: { code: '5.1', usually: 5, text: 'command is not valid' },
  protoSyntaxError: { code: '5.2', usually: 5, text: 'syntax error' },
  protoTooManyRecipients: { code: '5.3', usually: 4, text: 'too many recipients' },
  protoInvalidArguments: { code: '5.4', usually: 5, text: 'arguments are not valid' },
  mediaUnspecified: { code: '6.0', usually: 4, text: 'problem with the content' },
  mediaUnsupported: { code: '6.1', usually: 5, text: 'content type is not supported' },
  mediaConversionProhibited: { code: '6.2', usually: 5, text: 'conversion is needed but prohibited' },
  secUnspecified: { code: '7.0', usually: 4, text: 'security problem' },
  relayingDenied: { code: '7.1', usually: 5, text: 'relaying denied' },
  secListExpansionProhibited: { code: '7.2', usually: 5, text: 'mailing list expansion prohibited' },
  secSecurityNeeded: { code: '7.3', usually: 5, text: 'security conversion is needed but not possible' },
  secCryptoFailure: { code: '7.5', usually: 4, text: 'cryptographic failure' },
  secIntegrityFailure: { code: '7.7', usually: 5, text: 'message integrity failure' },
} as const satisfies Record<string, NamedStatus>;

export type StatusName = keyof typeof namedStatus;

/** Tells whether `text` is an enhanced status code of RFC 3463. */
export function isEnhancedStatus(text: string): text is EnhancedStatus {
  return /^[245]\.\d{1,3}\.\d{1,3}$/.test(text);
}

/** `status` in the class that a three-digit reply code stands for: 5.7.1 in a 450 reply becomes 4.7.1. */
export function statusForCode(status: EnhancedStatus, code: number): EnhancedStatus {
  const digit = Math.floor(code / 100);
  if (status.charCodeAt(0) - 48 === digit || (digit !== 2 && digit !== 4 && digit !== 5)) return status;
  return `${digit}${status.slice(1)}` as EnhancedStatus;
}
