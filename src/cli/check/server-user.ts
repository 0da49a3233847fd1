// The user that the server will be, as far as the rights of files go. check-config itself is mostly run by another one.

import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { type Getent, makeGetent } from '../../server/name-service.ts';
import { type Account, accountOf, localAccount, ownAccount } from '../../server/privileges.ts';
import { CommandError } from '../command.ts';

export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  /** the own group first */
  readonly gids: readonly number[];
  /** a user beside the one who keeps the configuration: what it could change, a break-in could */
  readonly isOfItsOwn: boolean;
}

export interface AccountSources {
  readonly passwd: string;
  readonly group: string;
  /** for those who are in no file */
  readonly getent: Getent;
}

const SYSTEM: AccountSources = { passwd: '/etc/passwd', group: '/etc/group', getent: makeGetent() };

/**
 * The one that serve becomes with the same --user.
 *
 * @param given what --user says
 * @throws CommandError where there is no such user
 */
export function serverUser(given: string | undefined, sources: AccountSources = SYSTEM): ServerUser {
  if (given !== undefined) return fromAccount(accountFor(given, sources), sources);
  const uid = process.getuid?.() ?? 0;
  const account = uid === 0 ? ownAccount(sources.passwd) : null;
  if (account !== null) return fromAccount(account, sources);
  const gids = [process.getgid?.() ?? 0, ...(process.getgroups?.() ?? [])];
  return { name: uid === 0 ? 'root' : `with the number ${uid}`, uid, gids, isOfItsOwn: false };
}

/** What "~/" stands for when that user serves. */
export function homeOf({ name, isOfItsOwn }: ServerUser, sources: AccountSources = SYSTEM): string {
  return isOfItsOwn ? accountFor(name, sources).home : homedir();
}

function accountFor(name: string, { passwd, getent }: AccountSources): Account {
  try {
    return accountOf(name, passwd, getent);
  } catch (error) {
    throw new CommandError(`--user: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function fromAccount({ name, uid, gid }: Account, sources: AccountSources): ServerUser {
  const { passwd, group, getent } = sources;
  const elsewhere = localAccount(name, passwd) === null ? groupsElsewhere(name, getent) : [];
  const gids = [...new Set([gid, ...groupsOf(name, group), ...elsewhere])];
  return { name, uid, gids, isOfItsOwn: uid !== 0 };
}

/** Numbers of the groups that initgroups(3) gives a user of a directory. */
function groupsElsewhere(name: string, getent: Getent): number[] {
  try {
    return [...(getent('initgroups', name) ?? '').matchAll(/\s(\d+)/g)].map(([, number]) => Number(number));
  } catch {
    // Not each getent knows that database.
    return [];
  }
}

/** Numbers of the groups that group(5) puts a user into. */
function groupsOf(name: string, file: string): number[] {
  return read(file)
    .split('\n')
    .map((entry) => entry.split(':'))
    .filter(([, , number = '', members = '']) => /^\d+$/.test(number) && members.split(',').includes(name))
    .map(([, , number]) => Number(number));
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
