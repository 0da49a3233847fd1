// What a user may do with a file, from owners and modes: the process that asks is mostly another user. Access lists are
// not seen.

import { accessSync, constants, lstatSync, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { examine } from '../../config/config-dir.ts';
import type { ServerUser } from './server-user.ts';

export const READ = 4;
export const WRITE = 2;
const SEARCH = 1;

/** The end of an obstacle that no change of owner or mode removes. */
export const READ_ONLY = 'lies on a file system that is mounted read-only';

/** Whether the mode lets a user do all of these. */
export function mayDo(user: ServerUser, wanted: number, { uid, gid, mode }: Stats): boolean {
  if (user.uid === 0) return true;
  const shift = user.uid === uid ? 6 : user.gids.includes(gid) ? 3 : 0;
  return ((mode >> shift) & wanted) === wanted;
}

/** Stat of what is there; null when there is nothing, or this process cannot tell. */
export function statOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null;
  }
}

/** Why a user cannot do it with a file or folder that is there, as the end of a sentence; null when nothing is in the way. */
export function obstacle(path: string, wanted: number, user: ServerUser): string | null {
  const real = realPath(path);
  const closed = closedFolder(real, user);
  if (closed !== null) return `the folder ${closed} is closed to it`;
  const stat = statOf(real);
  if (stat === null || mayDo(user, stat.isDirectory() ? wanted | SEARCH : wanted, stat)) return null;
  return `${real === resolve(path) ? 'its' : `${real} has the`} mode is ${octal(stat.mode)}, the owner is ${stat.uid}:${stat.gid}`;
}

/** Why a user cannot make or fill a folder; null when nothing is in the way. */
export function obstacleToWriting(
  folder: string,
  user: ServerUser,
  access: typeof accessSync = accessSync,
): string | null {
  const there = nearestThere(resolve(folder));
  const stat = statOf(there);
  if (examine(there) === null) return `${there} is a link to what is not there`;
  if (stat !== null && !stat.isDirectory()) return `${there} is no folder`;
  if (isReadOnly(there, access)) return `${there === resolve(folder) ? 'it' : there} ${READ_ONLY}`;
  const why = obstacle(there, WRITE, user);
  if (why === null) return null;
  return there === resolve(folder) ? why : `it is not there, and cannot be made in ${there}: ${why}`;
}

// Nobody's number, and in no group.
const ANYBODY: ServerUser = { name: 'anybody', uid: -1, gids: [], isOfItsOwn: false };
const STICKY = 0o1000;

/** Whether every user of the host can do it, those among them who are nobody's friend. */
export function isOpenToAnybody(path: string, wanted: number): boolean {
  const stat = statOf(path);
  if (stat === null || obstacle(path, wanted, ANYBODY) !== null) return false;
  // In a folder like /tmp, each can change only what is his own.
  return !(wanted === WRITE && stat.isDirectory() && (stat.mode & STICKY) !== 0);
}

/** As far as this process can tell: where it may not write itself, the kernel says so first. */
function isReadOnly(path: string, access: typeof accessSync): boolean {
  try {
    access(path, constants.W_OK);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EROFS';
  }
}

/** The path itself, or the first above it that is there, if only as a link. */
function nearestThere(path: string): string {
  let at = path;
  while (!isThere(at) && dirname(at) !== at) at = dirname(at);
  return at;
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

export function octal(mode: number): string {
  return `0${(mode & 0o7777).toString(8).padStart(3, '0')}`;
}

/** The first folder above a path that a user cannot pass. */
function closedFolder(path: string, user: ServerUser): string | null {
  const above: string[] = [];
  for (let at = dirname(path); ; at = dirname(at)) {
    above.unshift(at);
    if (dirname(at) === at) break;
  }
  return (
    above.find((folder) => {
      const stat = statOf(folder);
      return stat !== null && !mayDo(user, SEARCH, stat);
    }) ?? null
  );
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
