// Why something was not written to disk.

import { errorCode } from './durable-files.ts';

/** Where a write failed; the cause is the file system's error. */
export class WriteError extends Error {
  readonly path: string;

  constructor(path: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.path = path;
  }

  /** disk or quota is full */
  get isFull(): boolean {
    return ['ENOSPC', 'EDQUOT'].includes(errorCode(this.cause) ?? '');
  }
}

/** Nobody waits for the outcome any more. */
export class GivenUp extends Error {}
