// Accounts that are in no file of this host: those of LDAP, sssd, winbind, systemd-homed and whatever else
// nsswitch.conf(5) names. Node cannot ask for them, and the program getent(1) of the C library can.

import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/**
 * An entry of a database for a name, in the form of its file; null where there is none.
 *
 * @throws Error with words for the operator, which go on after "and"
 */
export type Getent = (database: 'passwd' | 'initgroups', name: string) => string | null;

/** Not those of PATH: root asks. The last one is that of NixOS. */
const FOLDERS = ['/usr/bin', '/bin', '/run/current-system/sw/bin'];
/** A directory server may be far away. */
const PATIENCE_MS = 10_000;
const MOST_OCTETS = 65_536;
/** what getent says of a name that nobody knows */
const UNKNOWN_NAME = 2;
/** getent takes a number, also one with a sign, for that of a user, and a word that begins with a dash for an option. */
const NAME = /^(?!\d+$)[\p{L}\p{N}_][\p{L}\p{N}_.@$\\+-]{0,255}$/u;

/** @param folders in which the program may be @param patienceMs milliseconds that it may take */
export function makeGetent(folders: readonly string[] = FOLDERS, patienceMs = PATIENCE_MS): Getent {
  return (database, name) => {
    if (!NAME.test(name)) return null;
    const program = folders.map((folder) => join(folder, 'getent')).find(isExecutable);
    if (program === undefined)
      throw new Error(
        `the program getent of the C library, which knows those of LDAP and the like, is not in ${folders.join(', ')}`,
      );
    const { status, signal, error, stdout, stderr } = spawnSync(program, [database, name], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: folders.join(':'), LC_ALL: 'C' },
      timeout: patienceMs,
      killSignal: 'SIGKILL',
      maxBuffer: MOST_OCTETS,
      encoding: 'utf8',
    });
    if (status === 0) return stdout.split('\n', 1)[0] ?? '';
    if (status === UNKNOWN_NAME) return null;
    if (error !== undefined && 'code' in error && error.code === 'ETIMEDOUT')
      throw new Error(`${program} did not find out within ${patienceMs / 1000} s who that is`);
    const how = error?.message ?? signal ?? `exit code ${status}`;
    const words = (stderr ?? '').trim().replace(/\s*\n\s*/g, ' / ');
    throw new Error(`${program} failed (${words === '' ? how : `${how}: ${words}`})`);
  };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
