// Several peers that take the same message, asked in order: the next one only as long as none can have taken it.

import { type AtEnvelope, denySoft, type Verdict } from 'qpsmtpd';
import { PeerError } from './_peer.ts';
import { type ServerName, showServer } from './_servers.ts';

/** The peer can have taken the message, but its answer is missing. */
export class NoAnswerError extends PeerError {}

/** @param deliver may throw PeerError: what comes before the last octet of a message is not taken by anybody */
export async function askInOrder(
  at: AtEnvelope,
  servers: readonly ServerName[],
  deliver: (server: ServerName) => Promise<Verdict>,
): Promise<Verdict> {
  for (const server of servers) {
    try {
      return await deliver(server);
    } catch (error) {
      if (!(error instanceof PeerError)) throw error;
      at.log.error(`error, ${showServer(server)}: ${error.message}`);
      if (error instanceof NoAnswerError || at.signal.aborted) break;
    }
  }
  return denySoft('the message cannot be handed on now, try again later', '4.4.1');
}
