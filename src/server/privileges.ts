// From root to the user that serves: after the ports are bound, before any client is.

import { readFileSync } from 'node:fs';

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** The account with this name in a file of passwd(5). @throws Error with a sentence for the operator */
export function accountOf(name: string, passwd = '/etc/passwd'): Account {
  const entries = readFileSync(passwd, 'utf8').split('\n');
  const fields = entries.map((entry) => entry.split(':')).find(([login]) => name !== '' && login === name);
  if (fields === undefined) throw new Error(`there is no user "${name}" on this host`);
  const [, , uid = '', gid = '', , home] = fields;
  // An empty number would be taken for 0, which is root.
  if (!/^\d+$/.test(uid) || !/^\d+$/.test(gid))
    throw new Error(`the entry of "${name}" in ${passwd} is broken`);
  return { name, uid: Number(uid), gid: Number(gid), home: home || '/' };
}

/** The account that is made for the server, under the names of qpsmtpd's README and of its Debian package. */
export function ownAccount(passwd = '/etc/passwd'): Account | null {
  for (const name of ['smtpd', 'qpsmtpd']) {
    try {
      return accountOf(name, passwd);
    } catch {
      // There is none of that name.
    }
  }
  return null;
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
