// What a client hears, and the log, when a message could not be stored.

import { type AtEnvelope, denySoft, GivenUp, type Verdict, WriteError } from 'qpsmtpd';

/** @throws what is no matter of storage */
export function storageFailure(at: AtEnvelope, error: unknown): Verdict<'DENYSOFT'> {
  if (error instanceof GivenUp) {
    at.log.notice('fail, given up: the client or the time was gone before the message was delivered');
    return denySoft('it took too long, try again later', '4.3.0');
  }
  if (!(error instanceof WriteError)) throw error;
  at.log.error(`error, cannot write ${error.path}: ${error.message}`);
  return error.isFull
    ? denySoft('there is no room for the message, try again later', '4.3.1')
    : denySoft('the message could not be stored, try again later', '4.3.0');
}
