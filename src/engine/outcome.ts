// What a handler gave back, looked at as input: a plugin in JavaScript may return anything, and what is no
// verdict must not reach a session, which would send it or fall over it.

import type { Code } from '../contract/codes.ts';
import { type AskHook, type HookName, hookFacts } from '../contract/hooks.ts';
import { type Answer, declined, type Verdict } from '../contract/verdict.ts';
import { isEnhancedStatus } from '../protocol/enhanced-status.ts';

export type Outcome = Verdict | Answer<unknown>;

const codes = new Set<unknown>([
  'OK',
  'DENY',
  'DENYSOFT',
  'DENY_DISCONNECT',
  'DENYSOFT_DISCONNECT',
  'DECLINED',
  'DONE',
] satisfies Code[]);

/** Whether it is a verdict or, of an asking hook, an answer. Never throws. */
export function isOutcome(given: unknown, hook: HookName): given is Outcome {
  if (given === declined) return true;
  try {
    if (typeof given !== 'object' || given === null || !('code' in given) || !codes.has(given.code))
      return false;
    if (isAsk(hook)) {
      if ('value' in given) return given.code === 'OK' && isAnswer[hook](given.value);
      // An OK without what was asked for answers nothing.
      if (given.code === 'OK' || given.code === 'DONE') return false;
    }
    return isVerdict(given);
  } catch {
    // A getter or a proxy of the plugin's threw.
    return false;
  }
}

function isAsk(hook: HookName): hook is AskHook {
  return hookFacts[hook].kind === 'ask';
}

const isAnswer: Readonly<Record<AskHook, (value: unknown) => boolean>> = {
  config: isLines,
  user_config: isLines,
  ehlo_parse: isHello,
  helo_parse: isHello,
  auth_parse: (value) => hasText(value, 'mechanism'),
  'auth-scram-sha-256': isScramSecret,
  mail_parse: isPath,
  rcpt_parse: isPath,
  mail_pre: isText,
  rcpt_pre: isText,
  received_line: isText,
};

function isHello(value: unknown): boolean {
  return hasText(value, 'host');
}

function isPath(value: unknown): boolean {
  return hasText(value, 'path') && 'params' in value && value.params instanceof Map;
}

function isScramSecret(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { salt, iterations, storedKey, serverKey } = value as Readonly<Record<string, unknown>>;
  return Number.isInteger(iterations) && [salt, storedKey, serverKey].every((part) => Buffer.isBuffer(part));
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function hasText(value: unknown, key: string): value is object {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, key) === 'string';
}

function isVerdict(given: object): boolean {
  if (!('text' in given) || !isLines(given.text)) return false;
  if ('status' in given && given.status !== undefined && !isStatus(given.status)) return false;
  return !('reply' in given) || given.reply === undefined || isReply(given.reply);
}

function isReply(given: unknown): boolean {
  if (typeof given !== 'object' || given === null || !('code' in given) || !('lines' in given)) return false;
  const { code, lines } = given;
  if ('status' in given && given.status !== undefined && !isStatus(given.status)) return false;
  return Number.isInteger(code) && Number(code) >= 200 && Number(code) <= 599 && isLines(lines);
}

function isLines(given: unknown): boolean {
  return Array.isArray(given) && given.every((line) => typeof line === 'string');
}

function isStatus(given: unknown): boolean {
  return typeof given === 'string' && isEnhancedStatus(given);
}

export function isThenable(given: unknown): given is PromiseLike<unknown> {
  return typeof given === 'object' && given !== null && 'then' in given && typeof given.then === 'function';
}

/** What was thrown, with the place in the plugin, on one line. Never throws. */
export function describe(thrown: unknown): string {
  try {
    if (!(thrown instanceof Error)) return `threw ${printed(thrown)}`;
    const stack = typeof thrown.stack === 'string' ? thrown.stack : '';
    const place = stack.split('\n').find((line) => /^\s+at /.test(line));
    return place === undefined ? String(thrown.message) : `${thrown.message}${place.replace(/^\s+/, ' ')}`;
  } catch {
    return 'threw something that cannot be shown';
  }
}

/** String(given), which of an object without a prototype throws. */
export function printed(given: unknown): string {
  try {
    return String(given);
  } catch {
    return 'an object that cannot be shown';
  }
}

/** What was thrown, or the deadline that was missed: no value that a handler can give. */
export class Failure {
  readonly #thrown: unknown;

  constructor(thrown: unknown) {
    this.#thrown = thrown;
  }

  get why(): string {
    return describe(this.#thrown);
  }
}
