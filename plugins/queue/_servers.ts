// Where messages are handed on: the servers of a plugin line, and which of them is asked first. One that could not be
// reached comes last for a while, so that a dead server does not hold up every message.

import { isIP } from 'node:net';
import { type Clock, type Handover, NotSentError, OptionError, type OutgoingMessage } from 'qpsmtpd';

/** A server by TCP or on a unix socket. */
export type ServerName = { readonly host: string; readonly port: number } | { readonly path: string };

/** What takes messages for one of the servers. */
export interface Target {
  /** for the log */
  readonly name: string;
  /** @throws NotSentError */
  deliver(message: OutgoingMessage, signal: AbortSignal): Promise<Handover>;
}

const FORM = /^(?:\[([0-9A-Fa-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/;
const BARE_IPV6 = /^[0-9A-Fa-f:]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*$/;
const REST_MS = 60_000;

/** `a.example,[2001:db8::1]:2525`, and paths of unix sockets where `withPaths` is set. @throws OptionError */
export function readServers(text: string, defaultPort: number, withPaths = false): ServerName[] {
  return text.split(',').map((word) => {
    if (withPaths && word.startsWith('/')) return { path: word };
    // An IPv6 address without port may come as it is.
    const [, address, name, digits] = FORM.exec(BARE_IPV6.test(word) ? `[${word}]` : word) ?? [];
    const host = address ?? name;
    const port = digits === undefined ? defaultPort : Number(digits);
    const isHost = address === undefined ? name !== undefined : isIP(address) !== 0;
    if (host !== undefined && isHost && port >= 1 && port <= 65_535) return { host, port };
    throw new OptionError(`"${word}" is not ${withPaths ? '/PATH, ' : ''}HOST, HOST:PORT or [IPV6]:PORT`);
  });
}

export function showServer(server: ServerName): string {
  if ('path' in server) return server.path;
  return server.host.includes(':') ? `[${server.host}]:${server.port}` : `${server.host}:${server.port}`;
}

export class ServerList {
  readonly #targets: readonly Target[];
  readonly #clock: Clock;
  /** until when each one is asked last, by the clock's milliseconds */
  readonly #rests = new Map<Target, number>();

  constructor(targets: readonly Target[], clock: Clock) {
    this.#targets = targets;
    this.#clock = clock;
  }

  /** All of them, in the order in which they are to be asked now. */
  inOrder(): readonly Target[] {
    if (this.#rests.size === 0) return this.#targets;
    const now = this.#clock.monotonic();
    const isResting = (target: Target) => (this.#rests.get(target) ?? now) > now;
    return [
      ...this.#targets.filter((target) => !isResting(target)),
      ...this.#targets.filter((target) => isResting(target)),
    ];
  }

  /** Hands a message to one of them, and remembers how it went. @throws NotSentError */
  async deliver(target: Target, message: OutgoingMessage, signal: AbortSignal): Promise<Handover> {
    try {
      const handover = await target.deliver(message, signal);
      this.#rests.delete(target);
      return handover;
    } catch (error) {
      if (error instanceof NotSentError && !signal.aborted) {
        this.#rests.set(target, this.#clock.monotonic() + REST_MS);
      }
      throw error;
    }
  }
}
