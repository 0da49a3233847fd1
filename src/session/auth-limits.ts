// What config/auth_lockout_failures, auth_lockout_time, auth_failure_delay and auth_admin_networks make of failed
// logins: guessing gets slow, and after some guesses it gets nowhere.

import type { Session } from './session.ts';

export function isLockedOut(session: Session): boolean {
  const { connection, engine, means } = session;
  return means.logins.isLockedOut(connection.remoteIp, engine.world.clock.monotonic()) && !isAdmin(session);
}

/** Counts a failed login, and waits before its reply may go. */
export async function payForFailure(session: Session): Promise<void> {
  if (isAdmin(session)) return;
  const { connection, engine, means } = session;
  const { store } = engine;
  const limit = {
    after: store.value('auth_lockout_failures'),
    forMs: store.value('auth_lockout_time') * 1000,
  };
  if (means.logins.noteFailure(connection.remoteIp, engine.world.clock.monotonic(), limit)) {
    session.log('warn', `fail, too many failed logins: ${connection.remoteIp} is locked out for a while`);
  }
  await pause(session, store.value('auth_failure_delay') * 1000);
}

function isAdmin({ connection, engine }: Session): boolean {
  return engine.store.value('auth_admin_networks').contains(connection.remoteIp);
}

/** Waits for so long, or until the client is gone. */
function pause({ connection, engine }: Session, ms: number): Promise<void> | undefined {
  const { signal } = connection;
  if (ms === 0 || signal.aborted) return undefined;
  const { deadlines } = engine;
  return new Promise((resolve) => {
    const end = () => {
      deadlines.cancel(deadline);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const deadline = deadlines.set(ms, end);
    signal.addEventListener('abort', end);
  });
}
