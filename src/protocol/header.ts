// The header of a message as an ordered list of fields (RFC 5322 section 2.2). What came in stays byte for
// byte what it was: fields are kept as raw text, one octet a character, and lines that are no field at all
// stay in their place. Parsing waits until somebody looks.

/** One field with its raw text; `name` is empty for a line that is no field. */
export interface Field {
  readonly name: string;
  /** everything, name, folds and last line end included; one octet a character */
  readonly raw: string;
}

const FIELD_NAME = /^[\x21-\x39\x3b-\x7e]+$/;
const FIELD_START = /^([\x21-\x39\x3b-\x7e]+)[ \t]*:/;
const LONGEST_FOLDED = 78;
const NOT_ASCII = /[^\x00-\x7f]/;
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f]/;
const EVERY_CONTROL = /[\x00-\x08\x0b-\x1f\x7f]/g;

export class Header {
  #original: Buffer;
  #fields: Field[] | null = null;
  #top: Field[] = [];

  /** @param original the header block without the blank line behind it */
  constructor(original: Buffer = Buffer.alloc(0)) {
    this.#original = original;
  }

  /** All fields from top to bottom. */
  get fields(): readonly Field[] {
    return [...this.#top, ...this.#parsed()];
  }

  /** Value of the first field with this name (any case): unfolded, without blanks around it. */
  get(name: string): string | undefined {
    const wanted = name.toLowerCase();
    const found =
      this.#top.find((field) => field.name.toLowerCase() === wanted) ??
      this.#parsed().find((field) => field.name.toLowerCase() === wanted);
    return found && valueText(found);
  }

  /** Values of all fields with this name, from top to bottom. */
  all(name: string): string[] {
    const wanted = name.toLowerCase();
    return this.fields.filter((field) => field.name.toLowerCase() === wanted).map(valueText);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** Adds a field on top of all others, where trace fields belong. Line ends in the value become folds. */
  addTop(name: string, value: string): void {
    this.#top.unshift(makeField(name, value));
  }

  /** Adds a field below all others. */
  addBottom(name: string, value: string): void {
    const field = makeField(name, value);
    const fields = this.#parsed();
    const last = fields.at(-1);
    // A message may end within its header, without a line end.
    if (last !== undefined && !last.raw.endsWith('\n')) {
      fields[fields.length - 1] = { ...last, raw: `${last.raw}\r\n` };
    }
    fields.push(field);
    this.#original = Buffer.alloc(0);
  }

  /** Removes all fields with this name and tells how many there were. */
  delete(name: string): number {
    const wanted = name.toLowerCase();
    const before = this.#top.length + this.#parsed().length;
    const keep = (field: Field) => field.name.toLowerCase() !== wanted;
    this.#top = this.#top.filter(keep);
    this.#setParsed(this.#parsed().filter(keep));
    return before - this.#top.length - this.#parsed().length;
  }

  /** Gives every field `from` the name `to`; values, folds and places stay. Tells how many there were. */
  rename(from: string, to: string): number {
    const wanted = from.toLowerCase();
    let renamed = 0;
    const rename = (field: Field) => {
      if (field.name.toLowerCase() !== wanted) return field;
      renamed++;
      return { name: to, raw: to + field.raw.slice(field.name.length) };
    };
    this.#top = this.#top.map(rename);
    // Most messages have none: look before parsing.
    if (this.#fields === null && !this.#original.toString('latin1').toLowerCase().includes(wanted))
      return renamed;
    const onTop = renamed;
    const fields = this.#parsed().map(rename);
    if (renamed > onTop) this.#setParsed(fields);
    return renamed;
  }

  /** The whole block as octets, without the blank line. */
  toBuffers(): Buffer[] {
    const rest = this.#original.length > 0 || this.#fields === null ? this.#original : join(this.#fields);
    return this.#top.length === 0 ? [rest] : [join(this.#top), rest];
  }

  /** Octets of the block. */
  get size(): number {
    return this.toBuffers().reduce((sum, buffer) => sum + buffer.length, 0);
  }

  #parsed(): Field[] {
    this.#fields ??= parseFields(this.#original.toString('latin1'));
    return this.#fields;
  }

  #setParsed(fields: Field[]): void {
    this.#fields = fields;
    this.#original = Buffer.alloc(0);
  }
}

/** Tells whether a message that begins with this text begins with a header field. */
export function beginsWithField(text: string): boolean {
  // The line that mbox programs put before the first field passes too.
  return FIELD_START.test(text) || /^>?From /.test(text);
}

function parseFields(text: string): Field[] {
  const fields: Field[] = [];
  for (let start = 0; start < text.length; ) {
    let end = lineEnd(text, start);
    while (end < text.length && (text[end] === ' ' || text[end] === '\t')) end = lineEnd(text, end);
    const raw = text.slice(start, end);
    fields.push({ name: FIELD_START.exec(raw)?.[1] ?? '', raw });
    start = end;
  }
  return fields;
}

function lineEnd(text: string, from: number): number {
  const newline = text.indexOf('\n', from);
  return newline < 0 ? text.length : newline + 1;
}

function valueText(field: Field): string {
  const raw = field.raw.slice(field.raw.indexOf(':') + 1).replace(/\r?\n(?=[ \t])/g, '');
  return Buffer.from(trimBlanks(raw), 'latin1').toString('utf8');
}

// String.trim() would take the octet A0, which ends an "à" in UTF-8, for a blank. A regular expression for the end
// would take the square of the time for a long run of blanks in the middle.
function trimBlanks(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

const isBlank = (code: number) => code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a;

function makeField(name: string, value: string): Field {
  if (!FIELD_NAME.test(name)) throw new TypeError(`"${name}" cannot be the name of a header field`);
  // Most values are ASCII without control characters: what others need is not done for them.
  const octets = NOT_ASCII.test(value) ? Buffer.from(value, 'utf8').toString('latin1') : value;
  let raw = '';
  for (const line of octets.includes('\r') ? octets.split(/\r\n|\r|\n/) : octets.split('\n')) {
    const text = trimBlanks(CONTROL.test(line) ? line.replace(EVERY_CONTROL, '?') : line);
    if (text !== '') raw += fold(raw === '' ? `${name}: ${text}` : `\t${text}`);
  }
  return { name, raw: raw === '' ? `${name}: \r\n` : raw };
}

// A given line break stays one; a line that is still too long is broken at blanks (RFC 5322 section 2.1.1).
function fold(line: string): string {
  let folded = '';
  let rest = line;
  while (rest.length > LONGEST_FOLDED) {
    const indent = rest.startsWith('\t') ? 1 : 0;
    const near = rest.lastIndexOf(' ', LONGEST_FOLDED);
    const blank = near > indent + 1 ? near : rest.indexOf(' ', LONGEST_FOLDED);
    if (blank < 0 || rest.slice(0, blank).endsWith(':')) break;
    folded += `${rest.slice(0, blank)}\r\n`;
    rest = `\t${rest.slice(blank + 1)}`;
  }
  return `${folded}${rest}\r\n`;
}

function join(fields: readonly Field[]): Buffer {
  return Buffer.from(fields.map((field) => field.raw).join(''), 'latin1');
}
