// A command of SMTP.

import type { Session } from './session.ts';

export interface Verb {
  /** in lower case */
  readonly name: string;
  /** @param argument what stands behind the verb, without blanks around it */
  run(session: Session, argument: string): Promise<void>;
}
