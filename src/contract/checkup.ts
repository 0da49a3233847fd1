// Where a plugin says what a line of it stands on: files, folders, certificates. `qpsmtpd check-config` asks; nothing is
// served then, and the process may have other rights than the server will.

export interface Checkup {
  /** the time that the check goes by */
  readonly now: Date;
  /** name of this server, as config/me has it */
  readonly me: string;
  /**
   * The server would not work, or not do what the line says.
   *
   * @param text a sentence that names the file that it is about
   * @param hint what to do about it
   */
  error(text: string, hint?: string): void;
  /** It works, and is not what most operators would want. */
  warn(text: string, hint?: string): void;
  /** A file that is read now and again while the server runs: its user has to be able to. */
  reads(path: string): void;
  /** The same, with something in it that is nobody else's to know: a password, a private key. */
  readsSecret(path: string): void;
  /** A folder that is written to, and made if it is missing. */
  writes(folder: string): void;
  /** A file that is written to, and made if it is missing; its folder is not. */
  appends(file: string): void;
}
