// Waiting for a connection or a TLS handshake: it stands, fails, takes too long, or nobody wants it any more.

import type { Socket } from 'node:net';

export interface ConnectLimits {
  /** milliseconds until the connection stands */
  readonly connectMs: number;
  /** aborts whatever is waited for, and closes */
  readonly signal?: AbortSignal | undefined;
}

/** The server cannot be reached, has gone, or is too slow. `message` is for the log. */
export class ChannelError extends Error {}

/** The server took too long: asking it again at once would take as long. */
export class TimeoutError extends ChannelError {}

/** @throws ChannelError; the socket is then destroyed */
export function standing(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  { connectMs, signal }: ConnectLimits,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (error: Error | null) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.off('error', onError).off('close', onClose).off(event, onReady);
      if (error === null) return resolve();
      // An error may follow, and without a listener it would end the process.
      socket.on('error', () => {});
      socket.destroy();
      reject(error);
    };
    const onReady = () => finish(null);
    const onError = (error: Error) => finish(new ChannelError(describeFailure(error)));
    const onClose = () => finish(new ChannelError('the connection is lost'));
    const onAbort = () => finish(new ChannelError('given up'));
    const onLate = () => finish(new TimeoutError(`no connection within ${connectMs / 1000} s`));
    const timer = setTimeout(onLate, connectMs);
    if (signal?.aborted) return onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.on('error', onError).on('close', onClose).on(event, onReady);
  });
}

/** A host with several addresses fails with one error for each, and no text for all of them. */
export function describeFailure(error: Error): string {
  if (!(error instanceof AggregateError)) return error.message;
  const texts = error.errors.map((each: unknown) => (each instanceof Error ? each.message : String(each)));
  return [...new Set(texts)].join('; ');
}
