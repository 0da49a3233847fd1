// What a process that serves strangers settles for itself before it begins, as the original does: which programs are
// found, who may read what it writes, that no core dump shows what it had in memory, and by what name it goes.

import { writeFileSync } from 'node:fs';

// Those of the original. Whoever starts the server cannot lead plugins to other programs.
const PROGRAMS = '/usr/bin:/bin:/var/qmail/bin';
// What shells read before they obey.
const SHELL_TRAPS = ['ENV', 'BASH_ENV', 'CDPATH', 'IFS'];

/**
 * To be called once, before anything is read or written. Children inherit all but the name.
 *
 * @param name for ps, top and pgrep, at most 15 octets
 */
export function guardProcess(name: string): void {
  process.env['PATH'] = PROGRAMS;
  for (const name of SHELL_TRAPS) delete process.env[name];
  // Whatever others are to read is opened up on purpose, file by file.
  process.umask(0o077);
  // Node has no setrlimit. But Linux leaves out of a dump what this mask does not name, see core(5).
  tellKernel('coredump_filter', '0');
  // Node calls itself node-MainThread. Setting process.title would take the options out of what ps shows.
  tellKernel('comm', name);
}

function tellKernel(file: string, text: string): void {
  try {
    writeFileSync(`/proc/self/${file}`, text);
  } catch {
    // Without /proc, a dump is a matter of ulimit -c, and the name is Node's.
  }
}
