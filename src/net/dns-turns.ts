// Which server is asked when. A question goes to the first server; when no reply has come after a while, the
// next one is asked as well, while the earlier ones may still answer: a slow server is not a dead one, and the
// first good answer wins. A server that fails (SERVFAIL, refused, unreadable) is not asked again.

import { failed } from './dns-answer.ts';
import type { Reading } from './dns-message.ts';
import type { DnsServer } from './dns-server.ts';

export interface Turns {
  readonly servers: readonly DnsServer[];
  /** how often each server is asked */
  readonly attempts: number;
  /** how long a server has the floor for itself, in milliseconds */
  readonly patienceMs: number;
  /** must not reject, and must end soon after `signal` aborts */
  readonly ask: (server: DnsServer, signal: AbortSignal) => Promise<Reading>;
}

/** The first good reading, or the last failure. Pends while any server may still answer; `signal` ends it. */
export function takeTurns(turns: Turns, signal: AbortSignal): Promise<Reading> {
  return new Promise((resolve) => {
    const asked = new AbortController();
    const broken = new Set<DnsServer>();
    let waiting = Array.from({ length: turns.attempts }, () => turns.servers).flat();
    let running = 0;
    let timer: NodeJS.Timeout | undefined;

    const finish = (reading: Reading) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      asked.abort();
      resolve(reading);
    };
    const onAbort = () => finish({ answer: failed('aborted'), keep: 0 });

    const heard = (server: DnsServer, reading: Reading) => {
      running--;
      if (asked.signal.aborted) return;
      if (reading.answer.kind !== 'failure') return finish(reading);
      broken.add(server);
      waiting = waiting.filter((each) => !broken.has(each));
      if (waiting.length > 0) next();
      else if (running === 0) finish(reading);
    };
    const next = () => {
      clearTimeout(timer);
      const server = waiting.shift();
      if (server === undefined) return;
      running++;
      turns.ask(server, asked.signal).then((reading) => heard(server, reading));
      timer = setTimeout(next, turns.patienceMs);
    };

    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort);
    if (waiting.length === 0) return finish({ answer: failed('no DNS server is known'), keep: 0 });
    next();
  });
}
