// A command of SMTP.

import type { Session } from './session.ts';

export interface Verb {
  /** in lower case */
  readonly name: string;
  /** false: for this client there is no such command (now) */
  isOffered?(session: Session): boolean;
  /** @param argument what stands behind the verb, without blanks around it */
  run(session: Session, argument: string): Promise<void>;
}
