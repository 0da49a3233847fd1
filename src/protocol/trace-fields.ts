// Text of the two fields that the server puts on top of a message: Received (RFC 5321 section 4.4, in
// qpsmtpd's shape, which log and spam tools know) and Authentication-Results (RFC 8601).

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
// What a host name, an address literal or an ident answer may hold; the rest could forge parts of the field.
const EVERY_UNSAFE = /[^A-Za-z0-9._:@[\]/+=-]/g;

export interface TraceFacts {
  /** reverse name with or without `ident@` */
  readonly remoteInfo: string;
  readonly remoteIp: string;
  readonly helloHost: string;
  /** see `transmissionType` */
  readonly protocol: string;
  readonly tls: { readonly cipher: string } | null;
  /** config/me */
  readonly me: string;
  readonly version: string;
  readonly date: Date;
}

export interface Transmission {
  /** with which the client has introduced itself */
  readonly verb: 'helo' | 'ehlo' | 'lhlo';
  readonly tls: boolean;
  readonly login: boolean;
  /** the message came with the parameter SMTPUTF8 */
  readonly utf8: boolean;
}

/** The word behind `with` in Received: SMTP, ESMTPSA, LMTP, UTF8SMTPS, … (RFC 3848, RFC 6531 section 4.3). */
export function transmissionType({ verb, tls, login, utf8 }: Transmission): string {
  if (verb === 'helo') return 'SMTP';
  const suffix = `${tls ? 'S' : ''}${login ? 'A' : ''}`;
  if (verb === 'lhlo') return `${utf8 ? 'UTF8' : ''}LMTP${suffix}`;
  return `${utf8 ? 'UTF8SMTP' : 'ESMTP'}${suffix}`;
}

/** Value of Received, with folds. */
export function receivedValue(facts: TraceFacts): string {
  const tls = facts.tls === null ? '' : ` (${safe(facts.tls.cipher)} encrypted)`;
  return (
    `from ${safe(facts.remoteInfo)} (HELO ${safe(facts.helloHost)}) (${safe(facts.remoteIp)})\n` +
    `by ${safe(facts.me)} (qpsmtpd/${facts.version}) with ${facts.protocol}${tls};\n${formatDate(facts.date)}`
  );
}

export interface LoginFact {
  readonly mechanism: string;
  readonly user: string;
  readonly passed: boolean;
}

/** Value of Authentication-Results. @param authservId config/me-auth-results or config/me */
export function authResultsValue(
  authservId: string,
  login: LoginFact | null,
  results: readonly string[],
): string {
  const parts = [authservId, loginResult(login), ...results];
  return parts.join(';\n').replace(/[^\x20-\x7e\n]/g, '?');
}

function loginResult(login: LoginFact | null): string {
  if (login === null) return 'auth=none';
  const user = safe(login.user.slice(0, 256));
  return `auth=${login.passed ? 'pass' : 'fail'} (${safe(login.mechanism)}) smtp.auth=${user}`;
}

/** RFC 5322 section 3.3, in local time. */
export function formatDate(date: Date): string {
  const two = (number: number) => (number < 10 ? `0${number}` : `${number}`);
  const offset = -date.getTimezoneOffset();
  const zone = two(Math.floor(Math.abs(offset) / 60)) + two(Math.abs(offset) % 60);
  return (
    `${DAYS[date.getDay()]}, ${two(date.getDate())} ${MONTHS[date.getMonth()]} ${date.getFullYear()} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${offset < 0 ? '-' : '+'}${zone}`
  );
}

function safe(text: string): string {
  return text.replace(EVERY_UNSAFE, '?');
}
