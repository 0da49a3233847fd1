// All that a session knows of a socket.

/** `ended`: nothing more will come. `timeout`: nothing came in time. */
export type Chunk = Buffer | 'ended' | 'timeout';

export interface Wire {
  /** the next octets, as they come; waits at most `timeoutMs` milliseconds */
  read(timeoutMs: number): Promise<Chunk> | Chunk;
  /** @param text one octet a character */
  write(text: string): void;
  /** sends what was written, then closes */
  close(): void;
  /** the connection broke: nobody reads what is written */
  readonly broken: boolean;
  /** the client has closed its side; it may still read */
  readonly ended: boolean;
}
