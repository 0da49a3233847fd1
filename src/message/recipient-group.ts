// A transaction as a queue plugin sees it that is to deliver to some of the recipients only. A view of its own and not
// a changed list: a plugin whose time is up may still look at it when others are at work on the rest.

import type {
  Body,
  MessageContent,
  Notes,
  Transaction,
  TransactionNotes,
  VerdictRecord,
} from '../contract/connection.ts';
import type { Verdict } from '../contract/verdict.ts';
import type { Address } from '../protocol/address.ts';
import type { EsmtpParams } from '../protocol/command-line.ts';
import type { Header } from '../protocol/header.ts';

export class RecipientGroup implements Transaction {
  readonly whole: Transaction;
  readonly recipients: Address[];

  constructor(whole: Transaction, recipients: readonly Address[]) {
    this.whole = whole;
    this.recipients = [...recipients];
  }

  get number(): number {
    return this.whole.number;
  }
  get sender(): Address | null {
    return this.whole.sender;
  }
  get params(): EsmtpParams {
    return this.whole.params;
  }
  get header(): Header {
    return this.whole.header;
  }
  get body(): Body {
    return this.whole.body;
  }
  get content(): MessageContent {
    return this.whole.content;
  }
  get notes(): Notes<TransactionNotes> {
    return this.whole.notes;
  }
  get verdicts(): VerdictRecord {
    return this.whole.verdicts;
  }
  get startedAt(): Date {
    return this.whole.startedAt;
  }
  get answersEach(): boolean {
    return this.whole.answersEach;
  }

  addRecipient(address: Address, params?: EsmtpParams): void {
    this.whole.addRecipient(address, params);
    this.recipients.push(address);
  }

  removeRecipient(address: Address): void {
    this.whole.removeRecipient(address);
    const at = this.recipients.findIndex((other) => other.key === address.key);
    if (at >= 0) this.recipients.splice(at, 1);
  }

  paramsOf(recipient: Address): EsmtpParams {
    return this.whole.paramsOf(recipient);
  }
  answerRecipient(recipient: Address, verdict: Verdict): void {
    this.whole.answerRecipient(recipient, verdict);
  }
  answerFor(recipient: Address): Verdict | null {
    return this.whole.answerFor(recipient);
  }
  addAuthResult(result: string): void {
    this.whole.addAuthResult(result);
  }
  tempFile(): string {
    return this.whole.tempFile();
  }
  tempDir(): Promise<string> {
    return this.whole.tempDir();
  }
}
