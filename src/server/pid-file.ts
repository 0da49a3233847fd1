// The file that names the running process. One that names another running process is left alone.

import {
  chmodSync,
  closeSync,
  constants,
  fchownSync,
  fstatSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

// What Linux counts in towards programs, on every architecture that matters (USER_HZ).
const TICKS_PER_SECOND = 100;
const CLOCK_SLACK_MS = 2000;

/**
 * For root, who is to become another user: gives that user the file, where the folder is root's alone, such as /run. In
 * a folder that others write to, it could be a link of theirs to any file: there it is left to them.
 */
export function reservePidFile(
  path: string,
  { uid, gid }: { readonly uid: number; readonly gid: number },
): void {
  if (process.geteuid?.() !== 0 || uid === 0 || runningPid(path) !== null) return;
  try {
    const folder = statSync(dirname(path));
    if (folder.uid !== 0 || (folder.mode & 0o022) !== 0) return;
    const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW, 0o644);
    const { nlink } = fstatSync(file);
    if (nlink === 1) fchownSync(file, uid, gid);
    closeSync(file);
  } catch {
    // Whoever writes it says what is wrong.
  }
}

/**
 * @param predecessor the process whose place this one takes
 * @throws Error with a sentence for the operator
 */
export function claimPidFile(path: string, pid: number, predecessor: number | null = null): void {
  const other = runningPid(path);
  if (other !== null && other !== pid && other !== predecessor) {
    throw new Error(`${path}: a server with process id ${other} is running already`);
  }
  try {
    writeFileSync(path, `${pid}\n`);
    // For whoever wants to know, whatever the umask.
    chmodSync(path, 0o644);
  } catch (error) {
    throw new Error(`${path}: cannot be written: ${reasonOf(error)}`);
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!('code' in error && error.code === 'EACCES')) return error.message;
  const user = `the user id ${process.geteuid?.() ?? 0}, as which the server runs`;
  return `its folder is closed to ${user}; give it a folder of that user's own, such as /run/qpsmtpd`;
}

export function releasePidFile(path: string, pid: number): void {
  try {
    if (Number(readFileSync(path, 'utf8')) !== pid) return;
    // In a folder of root's it cannot be removed, but then it names nobody.
    truncateSync(path);
    unlinkSync(path);
  } catch {
    // Somebody else has removed it.
  }
}

function runningPid(path: string): number | null {
  try {
    const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
    return pid > 0 && isRunning(pid) && !isSomebodyElse(pid, path) ? pid : null;
  } catch {
    return null;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * The file was left behind, after a power failure say, and the kernel has given the number to another program since: its
 * name is not ours, and it began after the file was written. False where that cannot be told.
 */
function isSomebodyElse(pid: number, path: string): boolean {
  try {
    if (readFileSync(`/proc/${pid}/comm`, 'utf8') === readFileSync('/proc/self/comm', 'utf8')) return false;
    return startOf(pid) > statSync(path).mtimeMs + CLOCK_SLACK_MS;
  } catch {
    return false;
  }
}

/** When a process began, in milliseconds since 1970; see proc_pid_stat(5). */
function startOf(pid: number): number {
  // The second field is a name in parentheses, in which there can be anything.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const [, boot = 'NaN'] = /^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8')) ?? [];
  return Number(boot) * 1000 + (Number(fields[19]) * 1000) / TICKS_PER_SECOND;
}
