// Which message is to be tried when: a heap by time, so that 100,000 waiting messages cost little to keep in order.

interface Slot {
  readonly id: string;
  /** milliseconds since 1970 */
  readonly due: number;
}

export class Schedule {
  #heap: Slot[] = [];
  /** by message, the time that counts: older slots of the same message are passed over */
  readonly #due = new Map<string, number>();

  get size(): number {
    return this.#due.size;
  }

  has(id: string): boolean {
    return this.#due.has(id);
  }

  /** When the first message is due; null when there is none. */
  get next(): number | null {
    this.#dropStale();
    return this.#heap[0]?.due ?? null;
  }

  /** Puts a message in, or gives it another time. */
  set(id: string, due: number): void {
    if (this.#due.get(id) === due) return;
    this.#due.set(id, due);
    this.#heap.push({ id, due });
    this.#rise(this.#heap.length - 1);
  }

  /** Takes the first message out that is due; null when none is. */
  take(now: number): string | null {
    this.#dropStale();
    const [first] = this.#heap;
    if (first === undefined || first.due > now) return null;
    this.#removeFirst();
    this.#due.delete(first.id);
    return first.id;
  }

  /** Makes all messages due. */
  flush(now: number): void {
    for (const [id, due] of this.#due) if (due > now) this.#due.set(id, now);
    // Equal times: any order is a heap.
    const early = this.#heap.filter(({ id, due }) => due < now && this.#due.get(id) === due);
    early.sort((one, other) => one.due - other.due);
    const others = [...this.#due].filter(([, due]) => due === now).map(([id, due]) => ({ id, due }));
    this.#heap = [...early, ...others];
  }

  clear(): void {
    this.#heap = [];
    this.#due.clear();
  }

  #dropStale(): void {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (this.#due.get(first.id) === first.due) return;
      this.#removeFirst();
    }
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink(0);
  }

  #rise(from: number): void {
    for (let at = from; at > 0; ) {
      const above = (at - 1) >> 1;
      if (this.#at(above).due <= this.#at(at).due) return;
      this.#swap(at, above);
      at = above;
    }
  }

  #sink(from: number): void {
    for (let at = from; ; ) {
      const left = 2 * at + 1;
      if (left >= this.#heap.length) return;
      const right = left + 1;
      const below = right < this.#heap.length && this.#at(right).due < this.#at(left).due ? right : left;
      if (this.#at(at).due <= this.#at(below).due) return;
      this.#swap(at, below);
      at = below;
    }
  }

  #at(index: number): Slot {
    return this.#heap[index] as Slot;
  }

  #swap(one: number, other: number): void {
    [this.#heap[one], this.#heap[other]] = [this.#at(other), this.#at(one)];
  }
}
