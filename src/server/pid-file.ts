// The file that names the running process. One that names another running process is left alone.

import { chmodSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';

// What Linux counts in towards programs, on every architecture that matters (USER_HZ).
const TICKS_PER_SECOND = 100;
const CLOCK_SLACK_MS = 2000;

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
    throw new Error(`${path}: cannot be written: ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function releasePidFile(path: string, pid: number): void {
  try {
    if (Number(readFileSync(path, 'utf8')) === pid) unlinkSync(path);
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
