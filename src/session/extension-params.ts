// Checks of the parameters that the core's extensions bring to MAIL and RCPT. What is wrong comes back as the reply
// that says so.

import type { Reply } from '../protocol/reply.ts';
import type { Session } from './session.ts';

/** The command that a parameter stands in. */
export interface ParamContext {
  readonly session: Session;
  /** config/databytes; 0 = no limit */
  readonly databytes: number;
  /** whether text in UTF-8 may stand in the command (RFC 6531) */
  readonly utf8: boolean;
}

/** null when nothing is wrong */
export type CheckedParam = (keyword: string, value: string | true, context: ParamContext) => Reply | null;

/** A parameter whose value must pass a test. */
export function withValue(isGood: (value: string, utf8: boolean) => boolean): CheckedParam {
  return (keyword, value, { utf8 }) => (value !== true && isGood(value, utf8) ? null : badValue(keyword));
}

/** A parameter that is said or not. */
export const withoutValue: CheckedParam = (keyword, value) => (value === true ? null : badValue(keyword));

/** REQUIRETLS, RFC 8689: without TLS on the first hop, the promise would be empty. */
export const onlyUnderTls: CheckedParam = (keyword, value, { session }) => {
  if (value !== true) return badValue(keyword);
  if (session.connection.tls !== null) return null;
  return { code: 530, status: '5.7.10', lines: [`${keyword} is for connections under TLS`] };
};

/** SIZE, RFC 1870 sections 3 and 6.1 */
export const refuseSize: CheckedParam = (keyword, value, { databytes }) => {
  if (value === true || !/^\d{1,20}$/.test(value)) return badValue(keyword);
  if (databytes === 0 || Number(value) <= databytes) return null;
  return { code: 552, status: '5.3.4', lines: [`message is too big, at most ${databytes} octets are taken`] };
};

/** BODY, RFC 6152 section 2 and RFC 3030 section 3 */
export const refuseBody: CheckedParam = (keyword, value, { session }) => {
  const body = String(value).toUpperCase();
  if (body === '7BIT' || body === '8BITMIME') return null;
  return body === 'BINARYMIME' && session.engine.extensions().has('BINARYMIME') ? null : badValue(keyword);
};

export function badValue(keyword: string): Reply {
  return { code: 501, status: '5.5.4', lines: [`the value of ${keyword} is not valid`] };
}
