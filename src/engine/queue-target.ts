// A plugin line that gets its messages from another plugin (Host.target): its queue handlers, called with whatever
// connection and transaction that plugin has for them.

import type { AtEnvelope } from '../contract/at.ts';
import type { Connection, Envelope } from '../contract/connection.ts';
import type { CarriedExtension, QueueTarget } from '../contract/plugin.ts';
import { declined, denial, type Verdict } from '../contract/verdict.ts';
import { asAt, Call, type CallMeans } from './call.ts';
import type { HostMeans } from './host.ts';
import { Failure, isOutcome, printed } from './outcome.ts';
import type { BoundHandler, PluginInstance } from './registry.ts';

export interface TargetParts {
  readonly instance: PluginInstance;
  readonly carries: readonly CarriedExtension[];
  /** its queue handlers */
  readonly runs: readonly BoundHandler['run'][];
}

export function queueTarget({ instance, carries, runs }: TargetParts, means: HostMeans): QueueTarget {
  const { log, lookup } = means;
  const callMeans: CallMeans = { log, lookUp: (file, call, user) => lookup.texts(file, call, user) };
  const bounds = runs.map(
    (run): BoundHandler => ({ plugin: instance.id, hook: 'queue', instance, run, upTo: 'debug', number: 0 }),
  );
  return {
    id: instance.id,
    carries,
    async queue(connection, transaction, signal) {
      for (const bound of bounds) {
        const verdict = await ask(callMeans, bound, { connection, transaction }, signal);
        if (verdict.code !== 'DECLINED') return verdict;
      }
      return declined;
    },
  };
}

interface Message {
  readonly connection: Connection;
  readonly transaction: Envelope;
}

async function ask(
  means: CallMeans,
  bound: BoundHandler,
  message: Message,
  signal: AbortSignal,
): Promise<Verdict> {
  const call = new Call(means, bound, { ...message, verdicts: null });
  const onAbort = () => call.abort(signal.reason instanceof Error ? signal.reason : new Error('given up'));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return judge(call, await run(bound, asAt(call)));
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

async function run(bound: BoundHandler, at: AtEnvelope): Promise<unknown> {
  try {
    return await bound.run(at);
  } catch (error) {
    return new Failure(error);
  }
}

function judge(call: Call, given: unknown): Verdict {
  if (isOutcome(given, 'queue') && !('value' in given)) return given;
  const why = given instanceof Failure ? given.why : `returned ${printed(given)} where a verdict is due`;
  const onError = call.bound.instance.onError ?? 'defer';
  call.log.crit(`error, plugin failed in hook queue (on_error ${onError}): ${why}`);
  if (onError === 'open') return declined;
  const text = 'the server has a problem, try again later';
  return onError === 'defer' ? denial('DENYSOFT', text, '4.3.0') : denial('DENY', text, '5.3.0');
}
