// Signals, and errors that nobody caught, to orderly actions.

export interface SignalActions {
  stop(): Promise<void>;
  reload(): Promise<void>;
  /** says how the server is */
  report(): void;
  /** something went wrong that belongs to no session */
  fault(text: string): void;
}

export function onSignals({ stop, reload, report, fault }: SignalActions): void {
  process.on('SIGTERM', () => void stop());
  process.on('SIGINT', () => void stop());
  process.on('SIGHUP', () => void reload());
  // Without a listener Node opens its debugger to all users of the host.
  process.on('SIGUSR1', report);
  // The process serves others too: it lives on, and says what happened.
  process.on('unhandledRejection', (reason) =>
    fault(`nobody waited for a promise that failed: ${traceOf(reason)}`),
  );
  process.on('uncaughtException', (error) => fault(`nobody caught: ${traceOf(error)}`));
}

function traceOf(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return text.replace(/\s*\n\s*/g, ' ');
}
