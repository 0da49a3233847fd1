// Configuration of single users in a folder of their own (qpsmtpd: plugins/user_config). The address is written by a
// stranger and the folder by its user: neither leads to another file than one with the name that is asked for, below
// the pattern.

import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import {
  type Address,
  type AtAnywhere,
  answer,
  declined,
  definePlugin,
  type Host,
  OptionError,
  option,
} from 'qpsmtpd';

const LARGEST = 1024 * 1024;
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
// Neither a link, which the user may have made to a file of others, nor a pipe, whose other end would be waited for.
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']);

const options = {
  pattern: {
    ...option.text({
      default: '/home/%u/.qpsmtpd',
      form: 'PATTERN',
      doc: 'folder of a user, with %u for what is before the @ of the address, %h for its domain, %a for all of it',
    }),
    parse(text: string) {
      if (!text.startsWith('/')) throw new OptionError(`"${text}" is no absolute path`);
      if (!/%[uha]/.test(text)) throw new OptionError(`"${text}" has none of %u, %h and %a in it`);
      return text;
    },
  },
};

export default definePlugin({
  name: 'user_config',
  summary: 'lets users have config files of their own',
  docs: `Answers for a config file that is asked for on behalf of one recipient or sender: with the file of that name in
the folder that PATTERN makes of the address. Where there is none, the file of the server counts.

Of an address whose local part has a slash, a control character or a dot at its beginning, no path is made: it has no
configuration. Domains are in lower case and in their ASCII form (xn--); a local part is tried as it was written, then in
lower case. What is not a plain file, or is a symbolic link, or has more than 1 MiB, is not read. Lines are those of any
config file; $include is not followed.

The server asks for queue_routes in this way: with this plugin, users can choose the queue plugin for their own mail, among
all that are loaded. Other plugins may ask for other files.

Examples, in config/plugins:

user_config

user_config /var/qmail/users/%h/%u

Log lines: "fail" for a file that is there and is not read.`,
  options,
  positional: ['pattern'],
  sideEffects: false,
  setup(host: Host<typeof options>) {
    const { pattern } = host.options;
    return {
      async user_config(at, user, file) {
        if (!FILE_NAME.test(file)) return declined;
        const ownDomain = host.configLines('me')[0] ?? host.hostname;
        for (const folder of foldersOf(pattern, user, ownDomain)) {
          const text = await readPlainFile(at, `${folder}/${file}`);
          if (text !== null) return answer(linesOf(text));
        }
        return declined;
      },
    };
  },
});

/** Where the configuration of a user may lie; nowhere for a name that would be more than a name in a path. */
function foldersOf(pattern: string, user: Address, ownDomain: string): readonly string[] {
  const domain = (user.asciiDomain || ownDomain).toLowerCase();
  const locals = new Set([user.localPart, user.localPart.toLowerCase()]);
  return [...locals]
    .filter((local) => [local, domain].every(isPlainName))
    .map((local) => {
      const parts: Readonly<Record<string, string>> = { u: local, h: domain, a: `${local}@${domain}` };
      return pattern.replace(/%([uha])/g, (_all, letter: string) => parts[letter] ?? '');
    });
}

function isPlainName(text: string): boolean {
  return text !== '' && !/^\.|[/\x00-\x1f\x7f]/.test(text);
}

/** Null where there is no such file, or it is not to be read. */
async function readPlainFile(at: AtAnywhere, path: string): Promise<string | null> {
  let handle: FileHandle | null = null;
  try {
    handle = await open(path, FLAGS);
    const stat = await handle.stat();
    if (stat.isFile() && stat.size <= LARGEST) return await handle.readFile('utf8');
    at.log.notice(`fail, ${path} is ${stat.isFile() ? 'too big' : 'no plain file'}`);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    if (!ABSENT.has(code))
      at.log.notice(`fail, ${path} cannot be read: ${code === 'ELOOP' ? 'it is a link' : code}`);
  } finally {
    await handle?.close();
  }
  return null;
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^#|^\$include\b|[\x00-\x08\x0a-\x1f\x7f]/.test(line));
}
