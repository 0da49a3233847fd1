// How fast a message comes. Only the time counts in which the client was waited for, so that slow plugins and disks
// of the server are not held against it.

/** Milliseconds of waiting before a client can be too slow. */
const GRACE = 60_000;

export class TransferPace {
  #octets = 0;
  #waited = 0;

  /** Takes down what has come and how many milliseconds it was waited for. */
  note(octets: number, waited: number): void {
    this.#octets += octets;
    this.#waited += waited;
  }

  /** Long enough to judge by. */
  get isKnown(): boolean {
    return this.#waited > GRACE;
  }

  /** octets a second, on average */
  get rate(): number {
    return (this.#octets * 1000) / this.#waited;
  }
}
