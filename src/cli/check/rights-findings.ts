// What is wrong with the rights of one file or folder, as findings.

import { dirname } from 'node:path';
import type { Finding, Severity, Where } from '../../config/errors.ts';
import type { FindingCode } from '../../config/finding-codes.ts';
import {
  isOpenToAnybody,
  obstacle,
  obstacleToWriting,
  octal,
  READ,
  READ_ONLY,
  statOf,
  WRITE,
} from './file-rights.ts';
import type { ServerUser } from './server-user.ts';

/** @param where the place of the finding: the file itself, or the line that names it */
export function findingsOfReading(path: string, user: ServerUser, where: Where | null): Finding[] {
  if (statOf(path) === null) {
    const text = `${subject(path, where)} is not there, or lies where this user cannot look`;
    return [finding('error', 'UNREADABLE_FILE', where, text, null)];
  }
  const why = obstacle(path, READ, user);
  if (why === null) return [];
  const text = `${subject(path, where)} cannot be read by ${nameOf(user)}, as which the server runs: ${why}`;
  return [finding('error', 'UNREADABLE_FOR_SERVER', where, text, 'chgrp and chmod g+r would let it')];
}

/** A file that holds what is nobody else's to know. */
export function findingsOfSecret(path: string, user: ServerUser, where: Where | null): Finding[] {
  const deed = isOpenToAnybody(path, WRITE) ? 'change' : 'read';
  const isOpen = deed === 'change' || isOpenToAnybody(path, READ);
  const text = `${subject(path, where)} holds secrets, and every user of this host may ${deed} it: its mode is ${modeOf(path)}`;
  return [
    ...findingsOfReading(path, user, where),
    ...(isOpen ? [finding('warning', 'OPEN_SECRET', where, text, `chmod o= ${path}`)] : []),
  ];
}

/** A folder that the server writes to. */
export function findingsOfWriting(folder: string, user: ServerUser, where: Where | null): Finding[] {
  const why = obstacleToWriting(folder, user);
  if (why !== null) {
    const text = `${nameOf(user)}, as which the server runs, cannot write to ${folder}: ${why}`;
    const hint = `make the folder and give it to that user: install -d -o ${user.name} -m 0700 ${folder}`;
    return [
      finding(
        'error',
        'NOT_WRITABLE',
        where,
        text,
        user.isOfItsOwn && !why.endsWith(READ_ONLY) ? hint : null,
      ),
    ];
  }
  return findingsOfOpenFolder(folder, where);
}

/** A file that the server writes to, in a folder that has to be there. */
export function findingsOfAppending(file: string, user: ServerUser, where: Where | null): Finding[] {
  const folder = dirname(file);
  const stat = statOf(file);
  if (stat === null) {
    if (statOf(folder)?.isDirectory() === true) return findingsOfMaking(file, user, where);
    const text = `the folder of ${file} is not there, or lies where this user cannot look`;
    const hint = `make it and give it to the user of the server: install -d -o ${user.name} -m 0750 ${folder}`;
    return [finding('error', 'NOT_WRITABLE', where, text, user.isOfItsOwn ? hint : null)];
  }
  if (stat.isDirectory()) {
    return [finding('error', 'NOT_WRITABLE', where, `${file} is a folder`, 'name a file in it')];
  }
  const why = obstacle(file, WRITE, user);
  if (why === null) return [];
  const text = `${nameOf(user)}, as which the server runs, cannot write to ${file}: ${why}`;
  const hint = `give the file to that user: chown ${user.name} ${file}`;
  return [finding('error', 'NOT_WRITABLE', where, text, user.isOfItsOwn ? hint : null)];
}

function findingsOfMaking(file: string, user: ServerUser, where: Where | null): Finding[] {
  const folder = dirname(file);
  const why = obstacleToWriting(folder, user);
  if (why === null) return findingsOfOpenFolder(folder, where);
  const text = `${nameOf(user)}, as which the server runs, cannot make ${file}: ${why}`;
  // The folder may be everybody's, as /var/log is.
  const hint = `make it and give it to that user: install -o ${user.name} -m 0640 /dev/null ${file}`;
  return [
    finding('error', 'NOT_WRITABLE', where, text, user.isOfItsOwn && !why.endsWith(READ_ONLY) ? hint : null),
  ];
}

/** Whoever may write there can put files in the place of the server's. */
function findingsOfOpenFolder(folder: string, where: Where | null): Finding[] {
  if (!isOpenToAnybody(folder, WRITE)) return [];
  const text = `every user of this host may write to ${folder}: its mode is ${modeOf(folder)}`;
  return [finding('warning', 'OPEN_FOLDER', where, text, `chmod o-w ${folder}`)];
}

function modeOf(path: string): string {
  return octal(statOf(path)?.mode ?? 0);
}

/** Not twice in one line. */
function subject(path: string, where: Where | null): string {
  return where?.file === path ? 'the file' : path;
}

export function nameOf(user: ServerUser): string {
  return user.uid === 0 ? 'root' : `the user ${user.name}`;
}

function finding(
  severity: Severity,
  code: FindingCode,
  where: Where | null,
  text: string,
  hint: string | null,
): Finding {
  return { severity, code, where, text, hint };
}
