// What a server has offered in its reply to EHLO or LHLO (RFC 5321 section 4.1.1.1).

import type { ServerReply } from './server-reply.ts';

export class ServerOffers {
  readonly #words = new Map<string, readonly string[]>();

  /** @param hello null for a server that knows HELO alone */
  constructor(hello: ServerReply | null) {
    for (const line of hello?.lines.slice(1) ?? []) {
      // AUTH=LOGIN was how the first servers with logins had it, often on a line beside AUTH.
      const [keyword = '', ...words] = line.trim().toUpperCase().split(/[ =]+/);
      this.#words.set(keyword, [...this.words(keyword), ...words]);
    }
  }

  has(keyword: string): boolean {
    return this.#words.has(keyword);
  }

  /** what stands behind a keyword, in capitals */
  words(keyword: string): readonly string[] {
    return this.#words.get(keyword) ?? [];
  }
}
