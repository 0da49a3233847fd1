// Parameters of MAIL and RCPT that the core knows: SIZE (RFC 1870), BODY (RFC 6152), AUTH (RFC 4954). Others
// are refused unless a plugin has offered the extension that brings them (RFC 5321 section 4.1.1.11).

import type { EsmtpParams } from '../protocol/command-line.ts';
import type { Reply } from '../protocol/reply.ts';
import type { Client } from './client.ts';

/** What is wrong with the parameters of MAIL, as a reply; null when nothing is. @param databytes 0 = no limit */
export function refuseMailParams(params: EsmtpParams, client: Client, databytes: number): Reply | null {
  for (const [keyword, value] of params) {
    const refusal = refuseMailParam(keyword, value, databytes);
    if (refusal === 'unknown') {
      if (!client.takesParam('mail', keyword)) return unknownParam(keyword);
    } else if (refusal !== null) return refusal;
  }
  return null;
}

/** The same for RCPT, of which the core knows none. */
export function refuseRcptParams(params: EsmtpParams, client: Client): Reply | null {
  for (const keyword of params.keys()) {
    if (!client.takesParam('rcpt', keyword)) return unknownParam(keyword);
  }
  return null;
}

function refuseMailParam(keyword: string, value: string | true, databytes: number): Reply | 'unknown' | null {
  if (keyword === 'SIZE') return refuseSize(value, databytes);
  if (keyword === 'BODY') return /^(?:7BIT|8BITMIME)$/i.test(String(value)) ? null : badValue(keyword);
  if (keyword === 'AUTH') return value === true ? badValue(keyword) : null;
  return 'unknown';
}

function refuseSize(value: string | true, databytes: number): Reply | null {
  if (value === true || !/^\d{1,20}$/.test(value)) return badValue('SIZE');
  if (databytes === 0 || Number(value) <= databytes) return null;
  return { code: 552, status: '5.3.4', lines: [`message is too big, at most ${databytes} octets are taken`] };
}

function badValue(keyword: string): Reply {
  return { code: 501, status: '5.5.4', lines: [`the value of ${keyword} is not valid`] };
}

function unknownParam(keyword: string): Reply {
  return { code: 555, status: '5.5.4', lines: [`parameter ${keyword} is unknown`] };
}
