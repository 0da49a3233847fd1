// Logins from a file of user names and passwords (qpsmtpd: plugins/auth/auth_flat_file). There the user name was a
// pattern on the file, so that `.*@.*` logged in with the first password; here it is compared as it stands.

import { createHmac, randomBytes } from 'node:crypto';
import {
  type AtSession,
  type AuthAttempt,
  answer,
  declined,
  definePlugin,
  deny,
  type Logger,
  type LoginCheck,
  listFile,
  loginChecker,
  ok,
  parseStoredPassword,
  printable,
  remembered,
  SCRAM_ITERATIONS,
  type ScramSecret,
  type ScramStart,
  type StoredPassword,
  scramSecretOf,
  storedPasswordWarning,
  whenReady,
} from 'qpsmtpd';

interface Entry {
  /** with the domain in lower case */
  readonly user: string;
  readonly stored: StoredPassword;
}

const SALT_OCTETS = 16;

export default definePlugin({
  name: 'auth/auth_flat_file',
  summary: 'logins with user names and passwords from a file',
  docs: `Looks users up in the file flat_auth_pw, one USER@DOMAIN:PASSWORD a line. The user name has to have a domain. Upper
and lower case count in the part before the @ sign, but a user who is listed in lower case may type capitals; in the
domain case never counts. When a user is listed twice, the first entry counts and the log names the user. A wrong
password is refused; a user who is not listed is left to other login plugins, and so refused if there are none. Both
take as long as each other.

PASSWORD stands there in clear or, better, as a hash: of crypt(3) in its forms $6$, $5$ (SHA-crypt), $2b$, $2a$, $2y$
(bcrypt) and $1$ (MD5-crypt); $argon2id$, $argon2i$ and $argon2d$; a SCRAM secret as PostgreSQL keeps it
(SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY). A scheme may stand before it in braces, as with Dovecot: {CRYPT},
{SHA512-CRYPT}, {SHA256-CRYPT}, {BLF-CRYPT}, {ARGON2ID}, {ARGON2I}, {MD5-CRYPT}, {SCRAM-SHA-256}, and for what comes
from LDAP {SSHA512}, {SHA512}, {SSHA256}, {SHA256}, {SSHA}, {SHA}, {SMD5}. Hashes that cannot be checked (yescrypt $y$,
scrypt $7$, DES) and those that ask for too much (a million rounds, cost 16 of bcrypt, 256 MiB for Argon2) are no
entries: check-config and the log name their lines.

A password in clear that begins like one of these hashes or with a scheme in braces needs {PLAIN} before it:
{PLAIN}$6$ is the password $6$. Colons may stand in a password, blanks at its end may not, and more than 512 octets
never match. The command openssl passwd -6 makes a hash.

The mechanisms PLAIN and LOGIN work with every entry. CRAM-MD5 works with passwords in clear only, SCRAM-SHA-256 with
those and with SCRAM secrets. All four are offered, whatever the file holds; who chooses one that the own entry cannot
serve is refused. The file should be readable for the user of the daemon only.

Example, in config/flat_auth_pw: user@example.org:$6$Zg2IeUq5$n7…

Log lines: "pass" with the kind of the password, "fail, no such user", "fail, wrong password", "fail, missing domain",
"skip" where the entry cannot serve the mechanism.`,
  files: {
    flat_auth_pw: listFile({
      form: 'USER@DOMAIN:PASSWORD',
      doc: 'users and their passwords, in clear or as a hash',
      parse: parseEntry,
      warn: (line) => storedPasswordWarning(line.slice(line.indexOf(':') + 1)),
      secret: true,
    }),
  },
  sideEffects: false,
  setup({ files, log }) {
    const check = loginChecker();
    const key = randomBytes(32);
    const usersOf = remembered((entries: readonly Entry[]) => new Users(entries, key, log));
    const scramOf = scramSecrets(key);

    const login = (at: AtSession, attempt: AuthAttempt) =>
      whenReady(files.flat_auth_pw(at), (entries) => {
        const users = usersOf(entries);
        const entry = users.find(attempt.user);
        const asked = entry ?? users.decoy(attempt.user);
        const result = asked === undefined ? 'mismatch' : check(attempt, asked.stored, at.signal);
        return whenReady<LoginCheck, ReturnType<typeof verdictFor>>(result, (known) =>
          verdictFor(at, attempt, entry, known),
        );
      });

    return {
      'auth-plain': login,
      'auth-login': login,
      'auth-cram-md5': login,
      'auth-scram-sha-256': (at, start) =>
        whenReady(files.flat_auth_pw(at), (entries) => {
          const entry = usersOf(entries).find(start.user);
          const secret = entry === undefined ? null : scramOf(entry, at.log);
          logScram(at, start, entry, secret);
          return secret === null ? declined : answer(secret);
        }),
    };
  },
});

function parseEntry(line: string): Entry {
  const colon = line.indexOf(':');
  if (colon < 0) throw new Error('there is no colon between user and password');
  const user = keyOf(line.slice(0, colon));
  if (user === null) throw new Error('the user is not of the form USER@DOMAIN');
  return { user, stored: parseStoredPassword(line.slice(colon + 1)) };
}

/** A user name with its domain in lower case; null when it has none. */
function keyOf(user: string): string | null {
  const at = user.lastIndexOf('@');
  return at > 0 && at < user.length - 1 ? user.slice(0, at) + user.slice(at).toLowerCase() : null;
}

class Users {
  readonly #entries: readonly Entry[];
  readonly #byUser = new Map<string, Entry>();
  readonly #key: Buffer;

  constructor(entries: readonly Entry[], key: Buffer, log: Logger) {
    this.#entries = entries;
    this.#key = key;
    for (const entry of entries) {
      if (!this.#byUser.has(entry.user)) this.#byUser.set(entry.user, entry);
      else log.warn(`error, flat_auth_pw has ${printable(entry.user)} twice; the first entry counts`);
    }
  }

  // qpsmtpd looked the name up in lower case, and found no entry with capitals.
  find(user: string): Entry | undefined {
    const key = keyOf(user);
    if (key === null) return undefined;
    return this.#byUser.get(key) ?? this.#byUser.get(key.toLowerCase());
  }

  /** An entry to check in vain for somebody who has none; the same one each time, as time would tell otherwise. */
  decoy(user: string): Entry | undefined {
    const number = createHmac('sha256', this.#key).update(user).digest().readUInt32BE();
    return this.#entries[number % this.#entries.length];
  }
}

function verdictFor(
  at: AtSession,
  { user, mechanism }: AuthAttempt,
  entry: Entry | undefined,
  result: LoginCheck,
) {
  const name = printable(user);
  if (entry === undefined) {
    at.log.info(keyOf(user) === null ? `fail, missing domain: ${name}` : `fail, no such user: ${name}`);
    return declined;
  }
  if (result === 'match') {
    at.log.info(`pass, ${name}, ${entry.stored.hash?.scheme ?? 'clear'}`);
    return ok();
  }
  if (result === 'mismatch') {
    at.log.info(`fail, wrong password: ${name}`);
    return deny();
  }
  at.log.info(`skip, ${mechanism} needs the password in clear: ${name}`);
  return declined;
}

/** Secrets for SCRAM: stored ones, and such as are made of a clear password once and kept as long as its entry. */
function scramSecrets(key: Buffer) {
  const made = new WeakMap<Entry, ScramSecret>();
  return (entry: Entry, log: Logger): ScramSecret | null => {
    const { clear = null, hash = null } = entry.stored;
    const known = hash?.scram ?? made.get(entry);
    if (known !== undefined && known !== null) return known;
    if (clear === null) return null;
    const salt = createHmac('sha256', key).update(`salt ${entry.user}`).digest().subarray(0, SALT_OCTETS);
    try {
      const secret = scramSecretOf(clear, { salt, iterations: SCRAM_ITERATIONS });
      made.set(entry, secret);
      return secret;
    } catch (error) {
      log.warn(`error, ${printable(entry.user)}: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  };
}

// Whether the password was right is known to the core only, later.
function logScram(at: AtSession, { user }: ScramStart, entry: Entry | undefined, secret: ScramSecret | null) {
  const name = printable(user);
  if (entry === undefined) at.log.info(`fail, no such user: ${name}`);
  else if (secret === null) at.log.info(`skip, SCRAM needs a SCRAM secret or the password in clear: ${name}`);
  else at.log.debug(`SCRAM begins: ${name}`);
}
