// From root to the user that serves: after the ports are bound, before any client is.

import { readFileSync } from 'node:fs';

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** The account with this name in /etc/passwd. @throws Error with a sentence for the operator */
export function accountOf(name: string): Account {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid, , home] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined) throw new Error(`there is no user "${name}" on this host`);
  return { name, uid: Number(uid), gid: Number(gid), home: home || '/' };
}

/** @throws Error with a sentence for the operator */
export function becomeUser({ name, uid, gid }: Account): void {
  if (process.getuid?.() === uid && process.getgid?.() === gid) return;
  try {
    if ('initgroups' in process && typeof process.initgroups === 'function') process.initgroups(name, gid);
    process.setgid?.(gid);
    process.setuid?.(uid);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot become the user "${name}": ${why}; only root can`);
  }
}
