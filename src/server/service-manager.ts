// Tells systemd how the service is (sd_notify(3)) where it wants to know (NOTIFY_SOCKET). Node has no datagram sockets
// in the file system, so this goes by the program systemd-notify, and units need NotifyAccess=all.

import { spawn } from 'node:child_process';

type Environment = Readonly<Record<string, string | undefined>>;

export interface ServiceManager {
  ready(status: string): void;
  reloading(): void;
  stopping(): void;
  status(text: string): void;
}

/** Says that we live at half of the time that the unit gives (WatchdogSec=). */
export function serviceManager(env: Environment, pid: number): ServiceManager {
  if ((env['NOTIFY_SOCKET'] ?? '') === '') return silent;
  const say = (...lines: readonly string[]) => {
    const child = spawn('systemd-notify', [`--pid=${pid}`, ...lines], { stdio: 'ignore' });
    // A machine without systemd has nobody who waits for it.
    child.on('error', () => {});
    child.unref();
  };
  const watchdogUsec = Number(env['WATCHDOG_USEC'] ?? 0);
  const isForUs = (env['WATCHDOG_PID'] ?? String(pid)) === String(pid);
  if (watchdogUsec > 0 && isForUs) setInterval(() => say('WATCHDOG=1'), watchdogUsec / 2000).unref();
  return {
    ready: (status) => say('READY=1', `MAINPID=${pid}`, `STATUS=${status}`),
    reloading: () => say('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`),
    stopping: () => say('STOPPING=1', 'STATUS=ending'),
    status: (text) => say(`STATUS=${text}`),
  };
}

const silent: ServiceManager = { ready() {}, reloading() {}, stopping() {}, status() {} };
