// From root to the user that serves: after the ports are bound, before any client is.

import { readFileSync } from 'node:fs';
import { type Getent, makeGetent } from './name-service.ts';

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/**
 * The account with this name: of passwd(5), or else of those that the host knows from elsewhere.
 *
 * @throws Error with a sentence for the operator
 */
export function accountOf(name: string, passwd = '/etc/passwd', getent = makeGetent()): Account {
  const local = localAccount(name, passwd);
  if (local !== null) return local;
  const entry = entryElsewhere(name, passwd, getent);
  if (entry === null) throw new Error(`there is no user "${name}" on this host`);
  return read(name, entry.split(':'), `the entry of "${name}" that getent gives`);
}

/** The same of the file alone; null where it is not there. @throws Error with a sentence for the operator */
export function localAccount(name: string, passwd = '/etc/passwd'): Account | null {
  const entries = readFileSync(passwd, 'utf8').split('\n');
  const fields = entries.map((entry) => entry.split(':')).find(([login]) => name !== '' && login === name);
  return fields === undefined ? null : read(name, fields, `the entry of "${name}" in ${passwd}`);
}

function entryElsewhere(name: string, passwd: string, getent: Getent): string | null {
  try {
    return getent('passwd', name);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`there is no user "${name}" in ${passwd}, and ${why}`);
  }
}

function read(name: string, fields: readonly string[], what: string): Account {
  const [, , uid = '', gid = '', , home] = fields;
  // An empty number would be taken for 0, which is root.
  if (!/^\d+$/.test(uid) || !/^\d+$/.test(gid)) throw new Error(`${what} is broken`);
  return { name, uid: Number(uid), gid: Number(gid), home: home || '/' };
}

/**
 * The account that is made for the server, under the names of qpsmtpd's README and of its Debian package. Of this host
 * alone: whoever has such a name in a directory of many hosts need not be meant.
 */
export function ownAccount(passwd = '/etc/passwd'): Account | null {
  for (const name of ['smtpd', 'qpsmtpd']) {
    try {
      const account = localAccount(name, passwd);
      if (account !== null) return account;
    } catch {
      // It is broken.
    }
  }
  return null;
}

/** @throws Error with a sentence for the operator */
export function becomeUser({ name, uid, gid }: Account): void {
  if (process.getuid?.() === uid && process.getgid?.() === gid) return;
  try {
    // The C library asks all that nsswitch.conf(5) names: groups of a directory count, too.
    if ('initgroups' in process && typeof process.initgroups === 'function') process.initgroups(name, gid);
    process.setgid?.(gid);
    process.setuid?.(uid);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot become the user "${name}": ${why}; only root can`);
  }
}
