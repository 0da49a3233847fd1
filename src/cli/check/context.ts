// What the checks of `qpsmtpd check-config` look at: a configuration that is read, with its plugins loaded. Nothing of it
// is served.

import type { ConfigStore } from '../../config/config-store.ts';
import type { Finding } from '../../config/errors.ts';
import type { Engine } from '../../engine/engine.ts';
import type { ServerUser } from './server-user.ts';

export interface CheckContext {
  readonly store: ConfigStore;
  readonly engine: Engine;
  readonly now: Date;
  /** whom the server will run as */
  readonly user: ServerUser;
}

export type Check = (context: CheckContext) => readonly Finding[] | Promise<readonly Finding[]>;
