// All that a session knows of a socket.

import type { TlsFacts, TlsSettings } from '../contract/tls.ts';

/** `ended`: nothing more will come. `timeout`: nothing came in time. */
export type Chunk = Buffer | 'ended' | 'timeout';

export interface Wire {
  /** the next octets, as they come; waits at most `timeoutMs` milliseconds */
  read(timeoutMs: number): Promise<Chunk> | Chunk;
  /** @param text one octet a character */
  write(text: string): void;
  /** waits until something can be read, at most so many milliseconds; `false`: nothing has come */
  peek(waitMs: number): Promise<boolean>;
  /**
   * What was read comes again with the next reading. A handshake that follows gets it too: its first octets may
   * have come together with a PROXY header.
   */
  unread(chunk: Buffer): void;
  /** Throws away what has come and was not read; gives the number of octets. */
  dropInput(): number;
  /** @throws Error with what was wrong with the handshake; the wire is then closed */
  startTls(settings: TlsSettings): Promise<TlsFacts>;
  /** Sends what was written, then closes. @param isDone the client sends no more, and need not be heard out */
  close(isDone?: boolean): void;
  /** the connection broke: nobody reads what is written */
  readonly broken: boolean;
  /** the client has closed its side; it may still read */
  readonly ended: boolean;
}
