// The SMTP extensions of the core: the line that each adds to the EHLO reply, and the parameters that it brings to
// MAIL and RCPT. Which of them are offered, config/extensions and the queue plugins decide. BDAT and the replies
// of PRDR are matters of those who receive the message.

import type { ExtensionKeyword } from '../config/extensions.ts';
import {
  isEnvelopeId,
  isNotifyWish,
  isOriginalRecipient,
  isReturnWish,
  isTransferPriority,
} from '../protocol/esmtp-values.ts';
import { offerLogin } from './auth-offer.ts';
import {
  type CheckedParam,
  onlyUnderTls,
  refuseBody,
  refuseSize,
  withoutValue,
  withValue,
} from './extension-params.ts';
import type { Session } from './session.ts';

type Line = (session: Session, databytes: number) => string | null;

interface Extension {
  /** null where this client does not get it */
  readonly line?: Line;
  readonly mail?: Readonly<Record<string, CheckedParam>>;
  readonly rcpt?: Readonly<Record<string, CheckedParam>>;
}

// RFC 9422 section 3.1: at most six digits.
const MOST_IN_LIMITS = 999_999;

const extensions: Readonly<Record<ExtensionKeyword, Extension>> = {
  /** RFC 2920 */
  PIPELINING: {},
  /** RFC 6152 */
  '8BITMIME': { mail: { BODY: refuseBody } },
  /** RFC 1870 */
  SIZE: {
    line: (_session, databytes) => (databytes > 0 ? `SIZE ${databytes}` : 'SIZE'),
    mail: { SIZE: refuseSize },
  },
  /** RFC 2034 */
  ENHANCEDSTATUSCODES: {},
  /** RFC 6531 */
  SMTPUTF8: { mail: { SMTPUTF8: withoutValue } },
  /** RFC 3030 */
  CHUNKING: {},
  /** RFC 3030; its value of BODY is among those of 8BITMIME */
  BINARYMIME: {},
  /** RFC 3461 */
  DSN: {
    mail: { RET: withValue(isReturnWish), ENVID: withValue(isEnvelopeId) },
    rcpt: { NOTIFY: withValue(isNotifyWish), ORCPT: withValue(isOriginalRecipient) },
  },
  /** RFC 9422 */
  LIMITS: {
    line: ({ engine }) => {
      const recipients = engine.store.value('max_recipients');
      return recipients > MOST_IN_LIMITS ? null : `LIMITS RCPTMAX=${recipients}`;
    },
  },
  /** RFC 8689 */
  REQUIRETLS: {
    line: ({ connection }) => (connection.tls === null ? null : 'REQUIRETLS'),
    mail: { REQUIRETLS: onlyUnderTls },
  },
  /** RFC 6710: a hint for whoever queues the message */
  'MT-PRIORITY': { mail: { 'MT-PRIORITY': withValue(isTransferPriority) } },
  /** draft-hall-prdr; LMTP answers for each recipient anyway */
  PRDR: {
    line: ({ connection }) => (connection.service.lmtp ? null : 'PRDR'),
    mail: { PRDR: withoutValue },
  },
};

interface KnownParam {
  readonly extension: ExtensionKeyword;
  readonly refuse: CheckedParam;
}

function paramsOf(verb: 'mail' | 'rcpt'): ReadonlyMap<string, KnownParam> {
  const entries = Object.entries(extensions) as [ExtensionKeyword, Extension][];
  return new Map(
    entries.flatMap(([extension, { [verb]: params = {} }]) =>
      Object.entries(params).map(([keyword, refuse]) => [keyword, { extension, refuse }] as const),
    ),
  );
}

/** The core's parameters by command and keyword, offered or not. */
export const knownParams = { mail: paramsOf('mail'), rcpt: paramsOf('rcpt') } as const;

/** What EHLO and LHLO say behind their first line: the extensions of the core, then those that plugins offer. */
export async function extensionLines(session: Session): Promise<readonly string[]> {
  const databytes = await session.engine.lookup.value('databytes');
  const lines: string[] = [];
  for (const keyword of session.engine.extensions()) {
    const { line } = extensions[keyword];
    const text = line === undefined ? keyword : line(session, databytes);
    if (text !== null) lines.push(text);
  }
  for (const capability of session.connection.capabilities) {
    if (!lines.includes(capability)) lines.push(capability);
  }
  const login = await offerLogin(session);
  if (login !== null) lines.push(login);
  return lines;
}
