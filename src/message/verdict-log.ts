// What each handler answered in one message: qpsmtpd keeps it as the note `PLUGIN.hook_NAME.return`.

import type { Code } from '../contract/codes.ts';
import type { VerdictRecord } from '../contract/connection.ts';
import type { HookName } from '../contract/hooks.ts';

/** One handler as the engine knows it; shared by all sessions, so that recording costs a reference. */
export interface HandlerName {
  readonly plugin: string;
  readonly hook: HookName;
}

export class VerdictLog implements VerdictRecord {
  #handlers: HandlerName[] | null = null;
  #codes: Code[] = [];

  add(handler: HandlerName, code: Code): void {
    this.#handlers ??= [];
    this.#handlers.push(handler);
    this.#codes.push(code);
  }

  codeOf(plugin: string, hook: HookName): Code | undefined {
    const at = this.#handlers?.findLastIndex((handler) => handler.plugin === plugin && handler.hook === hook);
    return at === undefined || at < 0 ? undefined : this.#codes[at];
  }
}
