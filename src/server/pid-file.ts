// The file that names the running process. One that names another running process is left alone.

import { chmodSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';

/** @throws Error with a sentence for the operator */
export function claimPidFile(path: string, pid: number): void {
  const other = runningPid(path);
  if (other !== null && other !== pid) {
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
    if (!(pid > 0)) return null;
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EPERM';
    return isThere ? Number.parseInt(readFileSync(path, 'utf8'), 10) : null;
  }
}
