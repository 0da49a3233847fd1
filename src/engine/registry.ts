// Which handlers a hook has, in the order in which they are asked. Built once from config/plugins, then frozen.

import type { AtEnvelope } from '../contract/at.ts';
import type { LogLevel } from '../contract/codes.ts';
import { type HookName, hookNames } from '../contract/hooks.ts';
import type { HandlerName } from '../message/verdict-log.ts';
import type { RejectPolicy } from './rejection.ts';

/** What a thrown error or a missed deadline of a handler means. */
export type OnError = 'open' | 'defer' | 'deny';

/** One line of config/plugins, set up. */
export interface PluginInstance {
  /** `relay:1` */
  readonly id: string;
  /** what `at.reject()` does */
  readonly reject: RejectPolicy;
  /** what becomes of denials of a plugin that knows no `reject` itself; null: they stand */
  readonly override: RejectPolicy | null;
  readonly onError: OnError | null;
  /** milliseconds; 0 = none, null = hook_timeout */
  readonly timeoutMs: number | null;
  adjustLevel(level: LogLevel): LogLevel;
}

export interface BoundHandler extends HandlerName {
  /** from 1, in the order of registration */
  readonly number: number;
  readonly instance: PluginInstance;
  /** the handler; the hook map has checked its type where it was declared, the loader where it could not be */
  readonly run: (at: AtEnvelope, ...args: readonly unknown[]) => unknown;
  /** logging handlers only: the least important level it wants */
  readonly upTo: LogLevel;
}

export type Chains = Readonly<Record<HookName, readonly BoundHandler[]>>;

export class Registry {
  readonly #chains = new Map<HookName, BoundHandler[]>(hookNames.map((hook) => [hook, []]));
  #count = 0;

  add(handler: Omit<BoundHandler, 'number'>, first: boolean): void {
    this.#count++;
    const bound: BoundHandler = { ...handler, number: this.#count };
    const chain = this.#chains.get(bound.hook);
    if (first) chain?.unshift(bound);
    else chain?.push(bound);
  }

  /** The chains as they are now; later additions are not in them. */
  freeze(): Chains {
    const entries = [...this.#chains].map(([hook, chain]) => [hook, Object.freeze([...chain])] as const);
    return Object.freeze(Object.fromEntries(entries)) as Chains;
  }
}
