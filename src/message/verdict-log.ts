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
  #entries: { readonly handler: HandlerName; readonly code: Code }[] | null = null;

  add(handler: HandlerName, code: Code): void {
    this.#entries ??= [];
    this.#entries.push({ handler, code });
  }

  codeOf(plugin: string, hook: HookName): Code | undefined {
    return this.#entries?.findLast(({ handler }) => handler.plugin === plugin && handler.hook === hook)?.code;
  }
}
