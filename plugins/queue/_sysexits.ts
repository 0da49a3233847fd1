// What the exit codes of a program that delivers mail mean: sysexits(3), as mail servers have always read them, and the
// two codes that qmail-command(8) gives such programs.

import type { EnhancedStatus } from 'qpsmtpd';

export interface ExitMeaning {
  readonly isPermanent: boolean;
  readonly status: EnhancedStatus;
  readonly text: string;
}

const meanings: Readonly<Record<number, readonly [status: EnhancedStatus, text: string]>> = {
  64: ['5.3.0', 'the program was called wrongly'],
  65: ['5.6.0', 'the format of the message is wrong'],
  66: ['5.3.0', 'the program has no input'],
  67: ['5.1.1', 'no such mailbox here'],
  68: ['5.1.2', 'no such host'],
  69: ['5.3.0', 'the service is not available'],
  70: ['5.3.0', 'internal error of the program'],
  71: ['4.3.0', 'trouble in the system'],
  72: ['5.3.0', 'a file of the system is missing'],
  73: ['5.2.0', 'the mailbox cannot be written'],
  74: ['4.3.0', 'trouble with input or output'],
  75: ['4.3.0', 'temporary failure'],
  76: ['5.5.0', 'remote error in the protocol'],
  77: ['5.7.0', 'permission denied'],
  78: ['5.3.5', 'the configuration is wrong'],
  100: ['5.3.0', 'refused for good'],
  111: ['4.3.0', 'refused for now'],
};

/** null for codes that no program of mail means anything by: it is broken, or the shell has found no program */
export function exitMeaning(code: number): ExitMeaning | null {
  const found = meanings[code];
  if (found === undefined) return null;
  const [status, text] = found;
  return { isPermanent: status.startsWith('5'), status, text };
}
