// A message between two BDAT commands, and what goes with none but those (RFC 3030).

import type { MessageTransaction } from '../message/message-transaction.ts';
import type { BareLfFinder } from '../protocol/bare-lf.ts';
import type { IncomingMessage } from './incoming-message.ts';

export interface ChunkedMessage {
  readonly incoming: IncomingMessage;
  /** null where bare line feeds are let through */
  readonly bareLf: BareLfFinder | null;
}

// What RFC 5321 section 4.1.4 allows at any time. MAIL, RCPT or DATA would make another message of it.
const ANYWHERE = new Set(['bdat', 'rset', 'noop', 'quit', 'helo', 'ehlo', 'lhlo', 'help', 'vrfy']);

/** Whether a command may come before the last chunk has. */
export function mayComeBetweenChunks(verb: string): boolean {
  return ANYWHERE.has(verb);
}

/** Whether the lines of a message need not be lines (section 3): it can be sent by BDAT alone. */
export function isBinary({ params }: MessageTransaction): boolean {
  const body = params.get('BODY');
  return typeof body === 'string' && body.toUpperCase() === 'BINARYMIME';
}
