// What a process that serves strangers settles for itself before it begins, as the original does: which programs are
// found, who may read what it writes, and that no core dump shows what it had in memory.

import { writeFileSync } from 'node:fs';

// Those of the original. Whoever starts the server cannot lead plugins to other programs.
const PROGRAMS = '/usr/bin:/bin:/var/qmail/bin';
// What shells read before they obey.
const SHELL_TRAPS = ['ENV', 'BASH_ENV', 'CDPATH', 'IFS'];

/** To be called once, before anything is read or written. Children inherit it all. */
export function guardProcess(): void {
  process.env['PATH'] = PROGRAMS;
  for (const name of SHELL_TRAPS) delete process.env[name];
  // Whatever others are to read is opened up on purpose, file by file.
  process.umask(0o077);
  emptyCoreDumps();
}

/** Node has no setrlimit. But Linux leaves out of a dump what this mask does not name, see core(5). */
function emptyCoreDumps(): void {
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // Without /proc it is a matter of ulimit -c.
  }
}
