// What is wrong with a way to a syslog daemon, and what to do about it.

import type { LinkProblem } from './_syslog-link.ts';

const START = 'start the syslog daemon';

/** What the code of an error means at the socket of a daemon. */
const meanings: Readonly<Record<string, LinkProblem>> = {
  ENOENT: {
    what: 'is not there',
    advice: `${START}, or write socket PATH if its socket is elsewhere`,
  },
  EACCES: { what: 'may not be written to', advice: 'let the user of the server write there' },
  EPERM: { what: 'may not be sent to', advice: 'look at the rules of the firewall' },
  ECONNREFUSED: { what: 'has nobody listening', advice: `${START}, or have it listen there` },
  EPROTOTYPE: { what: 'takes datagrams, not a stream', advice: 'write logsock unix' },
  ETIMEDOUT: { what: 'does not answer', advice: 'look whether the host is up, and at firewalls between' },
  ENOTFOUND: { what: 'has no address', advice: 'look at the name behind host' },
  EAI_AGAIN: { what: 'could not be looked up', advice: 'look at the DNS, or write an address behind host' },
};

/** @param target a path, or a host with its port */
export function explain(
  error: { readonly code?: string; readonly message?: string },
  target: string,
): LinkProblem {
  const known = Object.hasOwn(meanings, error.code ?? '') ? meanings[error.code ?? ''] : undefined;
  if (known !== undefined) return { what: `${target} ${known.what}`, advice: known.advice };
  return {
    what: `${target}: ${error.message ?? error.code ?? 'unknown error'}`,
    advice: 'look at that daemon',
  };
}
