// Signals, and errors that nobody caught, to orderly actions.

export interface SignalActions {
  stop(): Promise<void>;
  reload(): Promise<void>;
  /** gives the place to a new process; null: not here */
  readonly handOver: (() => Promise<void>) | null;
  /** says how the server is */
  report(): void;
  /** something went wrong that belongs to no session */
  fault(text: string): void;
}

export function onSignals({ stop, reload, handOver, report, fault }: SignalActions): void {
  const turns = new Turns((error) => fault(`what a signal asked for has failed: ${traceOf(error)}`));
  for (const name of onceServing) process.removeListener(name, ignore);
  process.on('SIGTERM', () => void stop());
  process.on('SIGINT', () => void stop());
  process.on('SIGHUP', () => turns.ask(reload));
  process.on('SIGUSR2', () => turns.ask(handOver ?? nothing));
  // Without a listener Node opens its debugger to all users of the host.
  process.on('SIGUSR1', report);
  // The process serves others too: it lives on, and says what happened.
  process.on('unhandledRejection', (reason) =>
    fault(`nobody waited for a promise that failed: ${traceOf(reason)}`),
  );
  process.on('uncaughtException', (error) => fault(`nobody caught: ${traceOf(error)}`));
}

/** Until `onSignals`: a process that is about to serve does not end of what a running one is asked for. */
export function ignoreSignals(): void {
  for (const name of onceServing) process.on(name, ignore);
}

const onceServing = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;

function ignore(): void {}

async function nothing(): Promise<void> {}

type Work = () => Promise<void>;

/** One piece of work at a time. What is asked for while it waits already is done once. */
class Turns {
  readonly #failed: (error: unknown) => void;
  readonly #waiting = new Set<Work>();
  #isBusy = false;

  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  ask(work: Work): void {
    this.#waiting.add(work);
    if (!this.#isBusy) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isBusy = true;
    for (const work of this.#waiting) {
      this.#waiting.delete(work);
      try {
        await work();
      } catch (error) {
        this.#failed(error);
      }
    }
    this.#isBusy = false;
  }
}

function traceOf(error: unknown): string {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return text.replace(/\s*\n\s*/g, ' ');
}
