// The file extensions: which of the core's SMTP extensions are offered. Without a line, those that promise
// something of the next hop are offered when all queue plugins can keep the promise, and the others always.

import type { ConfigLine } from './config-file.ts';
import { badValue } from './errors.ts';
import { failureOf, type KnownFile } from './file-types.ts';

/** In the order of the EHLO reply. */
export const extensionKeywords = [
  'PIPELINING',
  '8BITMIME',
  'SIZE',
  'ENHANCEDSTATUSCODES',
  'SMTPUTF8',
  'CHUNKING',
  'BINARYMIME',
  'DSN',
  'LIMITS',
  'REQUIRETLS',
  'MT-PRIORITY',
  'PRDR',
] as const;

export type ExtensionKeyword = (typeof extensionKeywords)[number];

/** What the operator has decided; an extension that is not here is left to its default. */
export type ExtensionSwitches = ReadonlyMap<ExtensionKeyword, boolean>;

/** Extensions without which another one must not be offered: RFC 6531 section 3.1, RFC 3030 section 3. */
export const extensionNeeds: Readonly<Partial<Record<ExtensionKeyword, readonly ExtensionKeyword[]>>> = {
  SMTPUTF8: ['8BITMIME'],
  BINARYMIME: ['8BITMIME', 'CHUNKING'],
};

const FORM = /^(\S+)\s+(on|off)$/i;

/** @throws ConfigError */
function readLine({ text, where }: ConfigLine): readonly [ExtensionKeyword, boolean] {
  const [, word, state] = FORM.exec(text) ?? [];
  const keyword = extensionKeywords.find((known) => known === word?.toUpperCase());
  if (keyword === undefined || state === undefined) {
    throw badValue(where, text, `"on" or "off" behind one of ${extensionKeywords.join(' ')}`);
  }
  return [keyword, state.toLowerCase() === 'on'];
}

/** What is wrong with one line for the sake of another. @throws ConfigError */
function checkTogether(lines: readonly ConfigLine[]): void {
  const switches = new Map<ExtensionKeyword, boolean>();
  for (const line of lines) {
    const [keyword, on] = readLine(line);
    if (switches.has(keyword)) throw badValue(line.where, line.text, `the only line on ${keyword}`);
    switches.set(keyword, on);
  }
  for (const line of lines) {
    const [keyword, on] = readLine(line);
    const missing = extensionNeeds[keyword]?.find((needed) => switches.get(needed) === false);
    if (on && missing !== undefined) throw badValue(line.where, line.text, `possible with ${missing} off`);
  }
}

export const extensionSwitches: KnownFile<ExtensionSwitches> = {
  kind: 'list',
  form: 'KEYWORD on|off',
  doc:
    `which extensions of SMTP are offered: ${extensionKeywords.join(' ')}. Without a line, SMTPUTF8, BINARYMIME, ` +
    'DSN, REQUIRETLS and MT-PRIORITY are offered when every queue plugin that is loaded says that it can carry them ' +
    'on, and all others always. "on" offers one whatever the queue plugins say. An extension that is off has no ' +
    'line in the EHLO reply, and its commands and parameters are unknown. SMTPUTF8 and BINARYMIME need 8BITMIME, ' +
    'BINARYMIME needs CHUNKING too, and REQUIRETLS is offered under TLS only',
  shownDefault: 'as the queue plugins allow',
  default: () => new Map(),
  parse: (lines) => {
    checkTogether(lines);
    return new Map(lines.map(readLine));
  },
  check: (lines) => {
    const single = lines.flatMap((line) => failureOf(() => readLine(line)));
    return single.length > 0 ? single : failureOf(() => checkTogether(lines));
  },
};
