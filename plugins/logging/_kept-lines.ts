// Log lines of one client that wait for what becomes of its message. A client may say what it likes for as long as it
// likes: of very many lines the first and the last ones are kept, and the others counted.

/** Of the first lines, and as many of the last ones. Some hundred recipients fit in. */
const MOST_OCTETS = 32 * 1024;
/** What a line takes beside its text. */
const LINE_OCTETS = 64;

/** What was kept, in its order; `leftOut` lines are missing between the two parts. */
export interface KeptMessage {
  readonly first: readonly string[];
  readonly leftOut: number;
  readonly last: readonly string[];
}

export class KeptLines {
  /** the message is queued: what is kept will be written */
  isAccepted = false;
  #first: string[] = [];
  #firstOctets = 0;
  #last: string[] = [];
  #lastOctets = 0;
  #leftOut = 0;
  #endsWithCommand = false;

  /** @param isCommand it says that a command has come, of which nothing came yet */
  add(line: string, isCommand: boolean): void {
    const octets = octetsOf(line);
    this.#endsWithCommand = isCommand;
    if (this.#last.length === 0 && this.#leftOut === 0 && this.#firstOctets + octets <= MOST_OCTETS) {
      this.#first.push(line);
      this.#firstOctets += octets;
      return;
    }
    this.#last.push(line);
    this.#lastOctets += octets;
    while (this.#lastOctets > MOST_OCTETS) this.#dropOldest();
  }

  /**
   * The message is over: gives what was kept, and begins anew. A command that came last is kept: MAIL ends the
   * transaction before it, and belongs to the one that it begins.
   */
  takeMessage(): KeptMessage {
    const [first, last, leftOut] = [this.#first, this.#last, this.#leftOut];
    const next = this.#endsWithCommand ? (last.pop() ?? first.pop()) : undefined;
    this.isAccepted = false;
    this.#first = [];
    this.#firstOctets = 0;
    this.#last = [];
    this.#lastOctets = 0;
    this.#leftOut = 0;
    if (next !== undefined) this.add(next, true);
    return { first, leftOut, last };
  }

  /** For whoever prints notes. */
  toString(): string {
    return 'log lines';
  }

  #dropOldest(): void {
    const oldest = this.#last.shift();
    if (oldest !== undefined) this.#lastOctets -= octetsOf(oldest);
    this.#leftOut++;
  }
}

function octetsOf(line: string): number {
  return LINE_OCTETS + line.length;
}
