// Patterns from config files: written by operators in Perl's dialect, matched against what a stranger sends.
// So the engine is one whose time grows with the input only (re2js). A pattern that needs look-around or
// back-references goes to the native one, and sees no more than the first 256 characters.

import { RE2JS } from 're2js';

export interface Pattern {
  /** tells whether the pattern is found anywhere in `text` */
  test(text: string): boolean;
}

const NEEDS_BACKTRACKING = /\(\?<?[=!]|\\[1-9]|\\k[<'{]/;
const LONGEST_FOR_BACKTRACKING = 256;
const ESCAPE = /\\(.)/gs;
// What Perl and JavaScript both understand behind a backslash, and in the same way.
const COMMON_ESCAPE = /^[^a-zA-Z]$|^[bBdDsSwWnrtfkx]$/;
const LEADING_FLAGS = /^\(\?([ims]+)\)/;

/** @throws Error with a sentence saying what is wrong with the pattern */
export function compilePattern(text: string, { ignoreCase = false }: { ignoreCase?: boolean } = {}): Pattern {
  try {
    return NEEDS_BACKTRACKING.test(text) ? compileNative(text, ignoreCase) : compileLinear(text, ignoreCase);
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^.*?regexp?: /i, '') : String(error);
    throw new Error(`"${text}" is not a pattern: ${why}`, { cause: error });
  }
}

function compileLinear(text: string, ignoreCase: boolean): Pattern {
  // \Z is \z but for a last line end, which nothing that is matched here has.
  const dialect = text.replace(ESCAPE, (whole, char) => (char === 'Z' ? '\\z' : whole));
  const pattern = RE2JS.compile(dialect, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
  return { test: (subject) => pattern.test(subject) };
}

function compileNative(text: string, ignoreCase: boolean): Pattern {
  const given = LEADING_FLAGS.exec(text);
  const flags = new Set(given?.[1]?.replaceAll('m', ''));
  if (ignoreCase) flags.add('i');
  const pattern = new RegExp(toNativeDialect(text.slice(given?.[0].length ?? 0)), [...flags].join(''));
  return { test: (subject) => pattern.test(subject.slice(0, LONGEST_FOR_BACKTRACKING)) };
}

// JavaScript takes an escape that it does not know for the letter itself: that must not happen unnoticed.
function toNativeDialect(text: string): string {
  if (/\[\[:\^?\w+:\]|\\x\{/.test(text)) {
    throw new Error('look-around and back-references go with neither [:classes:] nor \\x{}');
  }
  return text.replace(ESCAPE, (whole, char: string) => {
    if (char === 'A') return '^';
    if (char === 'z' || char === 'Z') return '$';
    if (COMMON_ESCAPE.test(char)) return whole;
    throw new Error(`look-around and back-references do not go with ${whole}`);
  });
}
