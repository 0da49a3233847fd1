// Answers HELP from files of the operator (qpsmtpd: plugins/help). What a client asks for becomes the name of a file
// only when it is a single word of letters, digits and underscores.

import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Clock, definePlugin, done, type Logger, ok, option, printable } from 'qpsmtpd';

const COMMAND = /^\w{1,64}$/;
const FILE_NAME = /^[\w.\-/]+$/;
const BIGGEST_PAGE_OCTETS = 16_384;
const SHORTEST_PAUSE_MS = 1000;
const MOST_KEPT = 100;

export default definePlugin({
  name: 'help',
  summary: 'answers HELP from files',
  docs: `HELP COMMAND gets the text of the file that help_dir has for the command: its name is that of the command in lower case.
Without a file there, the client hears that there is no help on the command. HELP alone gets the advice to name a
command. A page may have up to ${BIGGEST_PAGE_OCTETS} octets; its empty lines are left out. Changes of files count within a second.

Further words on the line come in pairs of a command and the file for it. A file without a slash lies in
help_dir. They stand behind all other options.

Examples, in config/plugins:

  help help_dir /etc/qpsmtpd/help

  help help_dir ./help/ rcpt recipients.txt data /etc/qpsmtpd/data-help

  help not_implemented 1

Log lines: "error" for a file that is missing or cannot be read.`,
  options: {
    not_implemented: option.flag({
      default: false,
      doc: 'answer HELP with 502 as if there were no such command',
    }),
    help_dir: option.path({ default: './help/', doc: 'folder with a file for each command' }),
    pages: option.words({ form: 'COMMAND FILE…', doc: 'files for single commands' }),
  },
  positional: ['pages'],
  sideEffects: false,
  async setup({ options: { not_implemented, help_dir, pages }, clock, log }) {
    const notImplemented = done({ code: 502, status: '5.5.1', lines: ['HELP is not implemented'] });
    const invalidName = done({ code: 502, status: '5.5.4', lines: ['that cannot be the name of a command'] });
    if (not_implemented) return { help: () => notImplemented };

    const files = pairsOf(pages, resolve(help_dir));
    for (const [command, file] of files) await warnIfMissing(command, file, log);
    const library = new HelpPages(resolve(help_dir), files, clock);
    return {
      async help(at, topic) {
        if (topic === '') return ok('HELP COMMAND tells more about a command');
        if (!COMMAND.test(topic)) return invalidName;
        const command = topic.toLowerCase();
        const page = await library.page(command, at.log);
        return ok(page ?? `there is no help on ${command}`);
      },
    };
  },
});

/** `rcpt recipients.txt data /etc/data` to file by command. */
function pairsOf(words: readonly string[], dir: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (let at = 0; at < words.length; at += 2) {
    const [command = '', file] = words.slice(at, at + 2);
    if (!COMMAND.test(command)) throw new Error(`"${command}" is not a command`);
    if (file === undefined) throw new Error(`the file with the help on ${command} is missing`);
    if (!FILE_NAME.test(file)) {
      throw new Error(`"${file}" has other characters than letters, digits and _ . - /`);
    }
    files.set(command.toLowerCase(), file.includes('/') ? resolve(file) : join(dir, file));
  }
  return files;
}

async function warnIfMissing(command: string, file: string, log: Logger): Promise<void> {
  const isFile = await stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) log.warn(`error, no help file for ${command}: ${file}`);
}

/** Texts of help files. Each file is asked for at most once a second, however often clients ask. */
export class HelpPages {
  readonly #dir: string;
  readonly #files: ReadonlyMap<string, string>;
  readonly #clock: Clock;
  readonly #kept = new Map<string, { readonly readAt: number; readonly page: Promise<string | null> }>();

  /** @param files by command in lower case; other commands have the file of their name in `dir` */
  constructor(dir: string, files: ReadonlyMap<string, string>, clock: Clock) {
    this.#dir = dir;
    this.#files = files;
    this.#clock = clock;
  }

  /** The text of a page, null where there is none. @param command word in lower case, neither dot nor slash in it */
  page(command: string, log: Logger): Promise<string | null> {
    const now = this.#clock.monotonic();
    const kept = this.#kept.get(command);
    if (kept !== undefined && now - kept.readAt < SHORTEST_PAUSE_MS) return kept.page;
    // Clients choose what is asked for.
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear();
    const page = readPage(this.#files.get(command) ?? join(this.#dir, command), log);
    this.#kept.set(command, { readAt: now, page });
    return page;
  }
}

async function readPage(file: string, log: Logger): Promise<string | null> {
  try {
    const found = await stat(file);
    if (!found.isFile()) return null;
    if (found.size > BIGGEST_PAGE_OCTETS) throw new Error(`more than ${BIGGEST_PAGE_OCTETS} octets`);
    const lines = (await readFile(file, 'utf8')).replaceAll('\t', '  ').split(/\r?\n/);
    const text = lines.map((line) => printable(line.trimEnd())).filter((line) => line !== '');
    return text.length === 0 ? null : text.join('\n');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR')
      log.error(`error, cannot read the help file ${file}: ${message}`);
    return null;
  }
}
