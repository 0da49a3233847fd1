// One command line to verb and argument, and the argument of MAIL and RCPT to path and parameters
// (RFC 5321 sections 4.1.1 and 4.1.2, with the shapes that qpsmtpd takes beyond them).

export interface CommandLine {
  /** in lower case; empty for a blank line */
  readonly verb: string;
  /** the rest behind the blanks after the verb, as written */
  readonly argument: string;
}

/** ESMTP parameters: keyword in capitals to value, `true` where there is none. */
export type EsmtpParams = ReadonlyMap<string, string | true>;

export interface ParsedPath {
  /** usually with angle brackets; without them it is up to the hooks mail_pre and rcpt_pre */
  readonly path: string;
  readonly params: EsmtpParams;
}

export interface ParseFailure {
  /** what to tell the client with its 501 */
  readonly problem: string;
}

const NO_PARAMS: EsmtpParams = new Map();
const PARAMETER = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~]+))?$/;
// The one value that may hold UTF-8: RFC 6533 section 3.
const UTF8_PARAMETER = /^(ORCPT)=(utf-8;[^= \x00-\x1f\x7f-\x9f]+)$/i;
const ROLE_WITHOUT_DOMAIN = /^(?:postmaster|abuse)$/i;

export function parseCommandLine(line: string): CommandLine {
  const space = line.indexOf(' ');
  if (space < 0) return { verb: line.trimEnd().toLowerCase(), argument: '' };
  return { verb: line.slice(0, space).toLowerCase(), argument: withoutBlanks(line.slice(space + 1)) };
}

/** The argument of MAIL. `FROM:` with nothing behind it is the null sender, as in qmail and qpsmtpd. */
export function parseMailArgument(argument: string): ParsedPath | ParseFailure {
  if (!/^from:/i.test(argument)) return { problem: 'Syntax: MAIL FROM:<address>' };
  const rest = withoutBlanks(argument.slice(5));
  return rest === '' ? { path: '<>', params: NO_PARAMS } : splitPath(rest);
}

/** The argument of RCPT. */
export function parseRcptArgument(argument: string): ParsedPath | ParseFailure {
  if (!/^to:/i.test(argument)) return { problem: 'Syntax: RCPT TO:<address>' };
  const rest = withoutBlanks(argument.slice(3));
  if (rest === '') return { problem: 'Syntax: RCPT TO:<address>' };
  const parsed = splitPath(rest);
  if ('problem' in parsed || parsed.path[0] === '<' || parsed.path.includes('@')) return parsed;
  return ROLE_WITHOUT_DOMAIN.test(parsed.path) ? parsed : { problem: 'recipient address is malformed' };
}

export function isParseFailure(parsed: ParsedPath | ParseFailure): parsed is ParseFailure {
  return 'problem' in parsed;
}

function splitPath(text: string): ParsedPath | ParseFailure {
  const end = text[0] === '<' ? endOfPath(text) : text.search(/ |$/);
  if (end < 0) return { problem: 'address is malformed' };
  const path = text.slice(0, end);
  if (end === text.length) return { path, params: NO_PARAMS };
  if (text[end] !== ' ') return { problem: 'Syntax error in parameters' };
  const params = new Map<string, string | true>();
  for (const word of text.slice(end + 1).split(' ')) {
    if (word === '') continue;
    const [, keyword, value] = PARAMETER.exec(word) ?? UTF8_PARAMETER.exec(word) ?? [];
    if (keyword === undefined) return { problem: 'Syntax error in parameters' };
    const name = keyword.toUpperCase();
    // Two that contradict each other would leave the choice to chance.
    if (params.has(name)) return { problem: `parameter ${name} is given twice` };
    params.set(name, value ?? true);
  }
  return { path, params };
}

/** Without ASCII blanks at the ends; String.trim() would take octets of UTF-8 for blanks too. */
function withoutBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

/** Index behind the closing `>`, with `>` and blanks inside of a quoted local part passed over; -1 if none. */
function endOfPath(text: string): number {
  const simple = text.indexOf('>');
  const quote = text.indexOf('"');
  if (quote < 0 || simple < quote) return simple + 1 || -1;
  let quoted = false;
  for (let at = 1; at < text.length; at++) {
    const char = text[at];
    if (quoted && char === '\\') at++;
    else if (char === '"') quoted = !quoted;
    else if (char === '>' && !quoted) return at + 1;
  }
  return -1;
}
