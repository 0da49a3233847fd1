// Bounds how much of one kind of work runs at a time; the rest waits in the order it came. Keeps a burst of
// clients, or a DNS server that does not answer, from using up the file descriptors of the process.

export class Slots {
  #free: number;
  readonly #queue: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async use<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#queue.push(resolve));
    try {
      return await work();
    } finally {
      // The slot is handed over, so nobody can overtake the queue.
      const next = this.#queue.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
