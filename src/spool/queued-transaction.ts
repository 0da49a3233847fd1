// A queued message as the transaction that a queue plugin is given, and the answers that it leaves there.

import { mkdir, rm } from 'node:fs/promises';
import type { Body, Envelope, TransactionNotes } from '../contract/connection.ts';
import type { Verdict } from '../contract/verdict.ts';
import { NoteCells } from '../message/notes.ts';
import { VerdictLog } from '../message/verdict-log.ts';
import type { WholeMessage } from '../message/whole-message.ts';
import type { Address } from '../protocol/address.ts';
import type { EsmtpParams } from '../protocol/command-line.ts';
import type { Header } from '../protocol/header.ts';
import type { QueuedContent } from './queued-content.ts';
import type { QueuedEnvelope, QueuedRecipient } from './queued-envelope.ts';

const NO_PARAMS: EsmtpParams = new Map();

export class QueuedTransaction implements Envelope {
  readonly number = 0;
  readonly sender: Address;
  readonly params: EsmtpParams;
  readonly recipients: Address[];
  readonly answersEach = true;
  readonly header: Header;
  readonly body: Body;
  readonly content: WholeMessage;
  readonly notes = new NoteCells<TransactionNotes>();
  readonly verdicts = new VerdictLog();
  readonly startedAt: Date;
  readonly #params: Map<Address, EsmtpParams>;
  readonly #answers = new Map<string, Verdict>();
  readonly #tmp: () => string;
  #tempPaths: string[] = [];

  /** @param recipients those that the message is for this time @param tmp gives a new path for a temporary file */
  constructor(
    envelope: QueuedEnvelope,
    recipients: readonly QueuedRecipient[],
    { header, body, content }: QueuedContent,
    tmp: () => string,
  ) {
    this.sender = envelope.sender;
    this.params = envelope.params;
    this.recipients = recipients.map(({ address }) => address);
    this.#params = new Map(recipients.map(({ address, params }) => [address, params]));
    this.startedAt = new Date(envelope.received);
    this.header = header;
    this.body = body;
    this.content = content;
    this.#tmp = tmp;
  }

  addRecipient(address: Address, params: EsmtpParams = NO_PARAMS): void {
    this.recipients.push(address);
    this.#params.set(address, params);
  }

  removeRecipient(address: Address): void {
    const at = this.recipients.findIndex((other) => other.key === address.key);
    if (at >= 0) this.recipients.splice(at, 1);
  }

  paramsOf(recipient: Address): EsmtpParams {
    return this.#params.get(recipient) ?? NO_PARAMS;
  }

  answerRecipient(recipient: Address, verdict: Verdict): void {
    this.#answers.set(recipient.key, verdict);
  }

  /** What the plugin has answered for a recipient; null where it has not. */
  answerFor(recipient: Address): Verdict | null {
    return this.#answers.get(recipient.key) ?? null;
  }

  /** The header has its Authentication-Results already. */
  addAuthResult(): void {}

  tempFile(): string {
    const path = this.#tmp();
    this.#tempPaths.push(path);
    return path;
  }

  async tempDir(): Promise<string> {
    const path = this.tempFile();
    await mkdir(path, { mode: 0o700 });
    return path;
  }

  /** Removes temporary files. */
  async dispose(): Promise<void> {
    const paths = this.#tempPaths;
    this.#tempPaths = [];
    await Promise.all(paths.map((path) => rm(path, { recursive: true, force: true }).catch(() => {})));
  }
}
