// One mail transaction: envelope, message, notes. An empty one exists from the start of a connection, as
// plugins expect; its parts are made when they are first needed.

import { mkdir, rm } from 'node:fs/promises';
import type { Transaction, TransactionNotes } from '../contract/connection.ts';
import type { Verdict } from '../contract/verdict.ts';
import type { Address } from '../protocol/address.ts';
import type { EsmtpParams } from '../protocol/command-line.ts';
import { Header } from '../protocol/header.ts';
import { NoteCells } from './notes.ts';
import type { Spool } from './spool.ts';
import { StoredBody } from './stored-body.ts';
import { VerdictLog } from './verdict-log.ts';
import { WholeMessage } from './whole-message.ts';

const NO_PARAMS: EsmtpParams = new Map();
const NOTHING = Buffer.alloc(0);

export interface TransactionMeans {
  readonly spool: Spool;
  /** config/size_threshold, octets */
  sizeThreshold(): number;
  now(): Date;
}

export class MessageTransaction implements Transaction {
  number = 0;
  sender: Address | null = null;
  params: EsmtpParams = NO_PARAMS;
  answersEach = false;
  readonly recipients: Address[] = [];
  readonly notes = new NoteCells<TransactionNotes>();
  readonly verdicts = new VerdictLog();
  readonly #means: TransactionMeans;
  #startedAt: Date | null = null;
  #header: Header | null = null;
  #separator: Buffer = NOTHING;
  #body: StoredBody | null = null;
  #rcptParams: Map<Address, EsmtpParams> | null = null;
  #accepted: Address[] | null = null;
  #answers: Map<string, Verdict> | null = null;
  #authResults: string[] | null = null;
  #isOver = false;
  #tempPaths: string[] | null = null;

  constructor(means: TransactionMeans) {
    this.#means = means;
  }

  get startedAt(): Date {
    this.#startedAt ??= this.#means.now();
    return this.#startedAt;
  }

  get header(): Header {
    this.#header ??= new Header();
    return this.#header;
  }

  get body(): StoredBody {
    this.#body ??= new StoredBody({
      threshold: this.#means.sizeThreshold(),
      newPath: () => this.#means.spool.newPath(this.#means.now()),
    });
    return this.#body;
  }

  get content(): WholeMessage {
    return new WholeMessage(this.header, this.#separator, this.body);
  }

  get authResults(): readonly string[] {
    return this.#authResults ?? [];
  }

  /** Takes the header of the message that is being received. */
  setHeader(original: Buffer, separator: Buffer): void {
    this.#header = new Header(original);
    this.#separator = separator;
  }

  addRecipient(address: Address, params: EsmtpParams = NO_PARAMS): void {
    this.recipients.push(address);
    if (params.size === 0) return;
    this.#rcptParams ??= new Map();
    this.#rcptParams.set(address, params);
  }

  /** Adds a recipient that the client has named and is told 250 for. */
  acceptRecipient(address: Address, params: EsmtpParams): void {
    this.addRecipient(address, params);
    this.#accepted ??= [];
    this.#accepted.push(address);
  }

  /** What the client was told 250 for, in its order; plugins may have changed `recipients` since. */
  get acceptedRecipients(): readonly Address[] {
    return this.#accepted ?? this.recipients;
  }

  removeRecipient(address: Address): void {
    const at = this.recipients.findIndex((other) => other.key === address.key);
    if (at >= 0) this.recipients.splice(at, 1);
  }

  paramsOf(recipient: Address): EsmtpParams {
    return this.#rcptParams?.get(recipient) ?? NO_PARAMS;
  }

  answerRecipient(recipient: Address, verdict: Verdict): void {
    this.#answers ??= new Map();
    this.#answers.set(recipient.key, verdict);
  }

  /** What a queue plugin has answered for a recipient; null where it has not. */
  answerFor(recipient: Address): Verdict | null {
    return this.#answers?.get(recipient.key) ?? null;
  }

  /** Whether a queue plugin has answered for any single recipient. */
  get hasAnswers(): boolean {
    return this.#answers !== null;
  }

  addAuthResult(result: string): void {
    this.#authResults ??= [];
    this.#authResults.push(result);
  }

  tempFile(): string {
    // Whoever comes too late, after his time was up, would leave a file that nobody removes.
    if (this.#isOver) throw new Error('the transaction is over');
    const path = this.#means.spool.newPath(this.#means.now());
    this.#tempPaths ??= [];
    this.#tempPaths.push(path);
    return path;
  }

  async tempDir(): Promise<string> {
    const path = this.tempFile();
    await mkdir(path, { mode: 0o700 });
    return path;
  }

  /** No temporary files can be had any more. */
  end(): void {
    this.#isOver = true;
  }

  /** Whether `dispose` has anything to do. */
  get holdsResources(): boolean {
    return this.#body !== null || this.#tempPaths !== null;
  }

  /**
   * Removes temporary files and frees the message.
   * @throws the file system's first error, after all has been tried
   */
  async dispose(): Promise<void> {
    this.end();
    const paths = this.#tempPaths ?? [];
    this.#tempPaths = null;
    const removals = paths.map((path) => rm(path, { recursive: true, force: true }));
    // One that fails must not keep the others from being removed.
    const results = await Promise.allSettled([this.#body?.dispose(), ...removals]);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }
}
