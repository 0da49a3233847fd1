// The only place that calls plugin code. A chain whose handlers all answer at once is walked without a promise;
// the first one that gives a promise makes the rest of its chain wait. What a handler throws, or answers too
// late, stays in its own chain: on_error says what it means.

import { isDenial, type LogLevel } from '../contract/codes.ts';
import type {
  Asked,
  AskHook,
  Awaitable,
  DecideHook,
  HookArgs,
  HookName,
  WatchHook,
} from '../contract/hooks.ts';
import type { Clock } from '../contract/plugin.ts';
import { type Answer, type Declined, declined, denial, type Verdict } from '../contract/verdict.ts';
import { asAt, Call, type CallMeans, type Scene } from './call.ts';
import type { Deadlines } from './deadlines.ts';
import { markWait } from './handler-mark.ts';
import { BLOCKING_MS, HandlerWaits } from './handler-waits.ts';
import { Failure, isOutcome, isThenable, type Outcome, printed } from './outcome.ts';
import type { BoundHandler, Chains } from './registry.ts';
import { applyReject } from './rejection.ts';

export interface DispatchMeans extends CallMeans {
  readonly chains: Chains;
  readonly deadlines: Deadlines;
  readonly clock: Clock;
  /** config/hook_timeout in milliseconds, 0 = none */
  hookTimeoutMs(): number;
  /** null: nobody looks on */
  readonly mark?: Int32Array | null;
}

const QUEUE_TIMEOUT_MS = 600_000;

export class Dispatcher {
  readonly #means: DispatchMeans;
  readonly #waits: HandlerWaits;
  readonly #mark: Int32Array | null;
  /** when the last handler gave control back: where the next one of its chain begins, which saves a reading */
  #reading = 0;

  constructor(means: DispatchMeans) {
    this.#means = means;
    this.#mark = means.mark ?? null;
    this.#waits = new HandlerWaits(means.deadlines, means.log);
  }

  /** Another engine serves new clients from now on. What is under way here goes on. */
  retire(): void {
    this.#waits.retire();
  }

  /** The first verdict that is not DECLINED. */
  decide<H extends DecideHook>(hook: H, scene: Scene, ...args: HookArgs<H>): Awaitable<Verdict> {
    return this.#walk(this.#means.chains[hook], 0, scene, args) as Awaitable<Verdict>;
  }

  /** The same with some handlers of the hook only. */
  decideAmong<H extends DecideHook>(
    handlers: readonly BoundHandler[],
    scene: Scene,
    ...args: HookArgs<H>
  ): Awaitable<Verdict> {
    return this.#walk(handlers, 0, scene, args) as Awaitable<Verdict>;
  }

  /** The first answer, a denial, or DECLINED. */
  ask<H extends AskHook>(hook: H, scene: Scene, ...args: HookArgs<H>): Awaitable<Answer<Asked<H>> | Verdict> {
    return this.#walk(this.#means.chains[hook], 0, scene, args) as Awaitable<Answer<Asked<H>> | Verdict>;
  }

  /** All handlers, one after the other. */
  watch<H extends WatchHook>(hook: H, scene: Scene, ...args: HookArgs<H>): Awaitable<void> {
    return this.#watchFrom(this.#means.chains[hook], 0, scene, args);
  }

  has(hook: HookName): boolean {
    return this.#means.chains[hook].length > 0;
  }

  #walk(
    chain: readonly BoundHandler[],
    from: number,
    scene: Scene,
    args: readonly unknown[],
  ): Awaitable<Outcome> {
    if (chain.length === 0) return declined;
    this.#reading = this.#means.clock.monotonic();
    for (let at = from; at < chain.length; at++) {
      const bound = chain[at] as BoundHandler;
      const outcome = this.#callOne(bound, scene, args);
      if (outcome instanceof Promise) {
        return outcome.then((late) =>
          late.code === 'DECLINED' ? this.#walk(chain, at + 1, scene, args) : late,
        );
      }
      if (outcome.code !== 'DECLINED') return outcome;
    }
    return declined;
  }

  #callOne(bound: BoundHandler, scene: Scene, args: readonly unknown[]): Awaitable<Outcome> {
    const call = new Call(this.#means, bound, scene);
    const given = this.#start(call, args);
    if (given === declined && !this.#isToldOf(bound)) return declined;
    if (given instanceof Promise) return this.#wait(call, given).then((it) => this.#judge(call, scene, it));
    const judged = this.#judge(call, scene, given);
    // Log entries and deny and ok hooks take their own time, which is not the next handler's.
    this.#reading = this.#means.clock.monotonic();
    return judged;
  }

  /** Runs the handler; what it throws comes back as a Failure. */
  #start(call: Call, args: readonly unknown[]): unknown {
    const started = this.#reading;
    const mark = this.#mark;
    const outer = mark === null ? 0 : mark[0];
    if (mark !== null) mark[0] = call.bound.number;
    let given: unknown;
    try {
      given = call.bound.run(asAt(call), ...args);
      if (given !== declined && isThenable(given)) given = Promise.resolve(given);
    } catch (error) {
      given = new Failure(error);
    }
    if (mark !== null) mark[0] = outer ?? 0;
    this.#reading = this.#means.clock.monotonic();
    const took = this.#reading - started;
    if (took > BLOCKING_MS) {
      this.#tell(
        call,
        'error',
        `error, blocked the event loop for ${Math.round(took)} ms in hook ${call.hook}`,
      );
    }
    return given;
  }

  #wait(call: Call, given: Promise<unknown>): Promise<unknown> {
    if (this.#mark !== null) markWait(this.#mark, call.bound.number);
    return this.#waits.wait(call, given, this.#limitOf(call.bound));
  }

  #limitOf(bound: BoundHandler): number {
    const own = bound.instance.timeoutMs;
    if (own !== null) return own;
    const general = this.#means.hookTimeoutMs();
    return general > 0 && bound.hook === 'queue' ? Math.max(general, QUEUE_TIMEOUT_MS) : general;
  }

  /** What a handler gave, as the verdict that counts; deny and ok hooks have run when it is there. */
  #judge(call: Call, scene: Scene, given: unknown): Awaitable<Outcome> {
    const outcome = isOutcome(given, call.hook) ? this.#override(call, given) : this.#failed(call, given);
    if (outcome.code !== 'DECLINED') scene.verdicts?.add(call.bound, outcome.code);
    const reported = this.#report(call, scene, outcome);
    return reported instanceof Promise ? reported.then(() => outcome) : outcome;
  }

  /** Whether anybody wants to hear even of a handler that declined. */
  #isToldOf({ hook }: BoundHandler): boolean {
    const { chains, log } = this.#means;
    return (chains.ok.length > 0 && !isLookUp(hook)) || log.enabled('debug');
  }

  #report(call: Call, scene: Scene, outcome: Outcome): Awaitable<void> {
    const { plugin, hook } = call.bound;
    const { code } = outcome;
    if (this.#means.log.enabled('debug')) {
      const text = 'value' in outcome ? '' : outcome.text.join(' ');
      this.#tell(call, 'debug', `Plugin ${plugin}, hook ${hook} returned ${code}, ${text}`);
    }
    // An ok or deny handler that reads configuration would be told of its own look-ups, for ever.
    if (isLookUp(hook)) return undefined;
    if (isDenial(code)) {
      return this.watch('deny', scene, plugin, hook, outcome as Verdict<typeof code>);
    }
    if (this.#means.chains.ok.length === 0) return undefined;
    const verdict: Verdict = 'value' in outcome ? { code, text: [] } : outcome;
    return this.watch('ok', scene, plugin, hook, verdict);
  }

  /** A plugin that knows no `reject` of its own obeys that of its line all the same. */
  #override(call: Call, outcome: Outcome): Outcome {
    const policy = call.bound.instance.override;
    const { connection } = call;
    if (policy === null || connection === null || !isDenial(outcome.code)) return outcome;
    const { text, status } = outcome as Verdict;
    const by = { plugin: call.plugin, connection, log: (line: string) => call.log.info(line) };
    const reason = text.join('\n');
    return applyReject(policy, by, reason, { log: text.join(' '), ...(status && { status }) }, outcome.code);
  }

  #failed(call: Call, given: unknown): Declined | Verdict {
    const why = given instanceof Failure ? given.why : `returned ${printed(given)} where a verdict is due`;
    const onError = call.bound.instance.onError ?? (call.hook === 'queue' ? 'defer' : 'open');
    this.#tell(call, 'crit', `error, plugin failed in hook ${call.hook} (on_error ${onError}): ${why}`);
    if (onError === 'open') return declined;
    const text = 'the server has a problem, try again later';
    return onError === 'defer' ? denial('DENYSOFT', text, '4.3.0') : denial('DENY', text, '5.3.0');
  }

  #watchFrom(
    chain: readonly BoundHandler[],
    from: number,
    scene: Scene,
    args: readonly unknown[],
  ): Awaitable<void> {
    if (chain.length === 0) return undefined;
    this.#reading = this.#means.clock.monotonic();
    for (let at = from; at < chain.length; at++) {
      const call = new Call(this.#means, chain[at] as BoundHandler, scene);
      const given = this.#start(call, args);
      if (given instanceof Promise) {
        return this.#wait(call, given).then((late) => {
          this.#noteFailure(call, late);
          return this.#watchFrom(chain, at + 1, scene, args);
        });
      }
      this.#noteFailure(call, given);
    }
    return undefined;
  }

  #noteFailure(call: Call, given: unknown): void {
    if (!(given instanceof Failure)) return;
    this.#tell(call, 'crit', `error, plugin failed in hook ${call.hook}: ${given.why}`);
    this.#reading = this.#means.clock.monotonic();
  }

  /** Says something of a plugin: at the core's level, whatever `loglevel` makes of the plugin's own entries. */
  #tell(call: Call, level: LogLevel, text: string): void {
    this.#means.log.write(level, text, call);
  }
}

function isLookUp(hook: HookName): boolean {
  return hook === 'config' || hook === 'user_config';
}
