// The user that the server will be, as far as the rights of files go. check-config itself is mostly run by another one.

import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { type Account, accountOf, ownAccount } from '../../server/privileges.ts';
import { CommandError } from '../command.ts';

export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  /** the own group first */
  readonly gids: readonly number[];
  /** a user beside the one who keeps the configuration: what it could change, a break-in could */
  readonly isOfItsOwn: boolean;
}

export interface AccountFiles {
  readonly passwd: string;
  readonly group: string;
}

const SYSTEM: AccountFiles = { passwd: '/etc/passwd', group: '/etc/group' };

/**
 * The one that serve becomes with the same --user.
 *
 * @param given what --user says
 * @throws CommandError where there is no such user
 */
export function serverUser(given: string | undefined, files: AccountFiles = SYSTEM): ServerUser {
  if (given !== undefined) return fromAccount(accountFor(given, files.passwd), files, true);
  const uid = process.getuid?.() ?? 0;
  const account = uid === 0 ? ownAccount(files.passwd) : null;
  if (account !== null) return fromAccount(account, files, true);
  const gids = [process.getgid?.() ?? 0, ...(process.getgroups?.() ?? [])];
  return { name: uid === 0 ? 'root' : `with the number ${uid}`, uid, gids, isOfItsOwn: false };
}

/** What "~/" stands for when that user serves. */
export function homeOf({ name, isOfItsOwn }: ServerUser, { passwd }: AccountFiles = SYSTEM): string {
  return isOfItsOwn ? accountFor(name, passwd).home : homedir();
}

function accountFor(name: string, passwd: string): Account {
  try {
    return accountOf(name, passwd);
  } catch (error) {
    throw new CommandError(`--user: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function fromAccount({ name, uid, gid }: Account, { group }: AccountFiles, isOfItsOwn: boolean): ServerUser {
  return { name, uid, gids: [gid, ...groupsOf(name, group)], isOfItsOwn: isOfItsOwn && uid !== 0 };
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
