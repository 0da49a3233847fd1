// The prose of qpsmtpd-plugin-api(7).

export const skeleton: readonly string[] = [
  'export default definePlugin({',
  "  name: 'NAME',",
  "  summary: '...',",
  "  options: { most: option.integer({ default: 10, doc: '...' }) },",
  '  setup({ options }) {',
  '    return {',
  '      rcpt: (at, recipient, params) => declined,',
  '    };',
  '  },',
  '});',
];

export const description: readonly string[] = [
  `A plugin is one file whose default export was made by \`definePlugin\`. It lies in one of the folders that the
    configuration file \`plugin_dirs\` names, and its path there, without the ending, is its name in the file \`plugins\`.
    A plugin of yours goes before one of the same name that comes with the server.`,
  `The file is TypeScript (.ts, .mts) or JavaScript (.js, .mjs), also for the executable, and needs no compiling: types are
    taken away, not translated, so \`enum\`, \`namespace\` and parameter properties cannot be used. It may import
    \`qpsmtpd\`, the modules of Node (\`node:fs\`), files beside it with their endings, and packages from a node_modules
    above it. It must not await anything outside of its functions.`,
  `\`setup\` runs once for each line that names the plugin, and again when the configuration is read anew. What it returns
    is a table from names of hooks to functions. All clients of a process are served side by side: what belongs to one of
    them goes into \`host.perConnection\`, \`host.perTransaction\` or a note, never into a variable of the plugin.`,
];

export const afterFirst: readonly string[] = [
  `The first argument of \`definePlugin\` gives all others their types: that \`options.shortest\` is a number, that
    \`files.no_subject_ok\` gives strings, that \`at\` of data_post has a message. An editor knows them with a tsconfig.json
    as README.md of the sources has it.`,
  `The file \`no_subject_ok\` is searched for, read, parsed and watched by the server. \`qpsmtpd check-config\` loads the
    plugin, reads its options and files, and names line and mistake.`,
];

export const definition =
  'The fields of what definePlugin is given. Those with a question mark can be left out.';

export const options: readonly string[] = [
  `Each option is made by one of the functions below, with a \`doc\` for the manual and, where it has one, a \`default\`.
    Without default and without \`required: true\` its value may be undefined. On the line an option is KEY VALUE or
    KEY=VALUE; names in \`positional\` may be given by their place alone. A value that does not parse, or a word that
    nobody knows, is told with file and line, and the server does not start.`,
  `Besides, every line may have the words of \`qpsmtpd-plugins\`(5): reject, reject_type, loglevel, hook_timeout, timeout,
    on_error.`,
];

export const files: readonly string[] = [
  `A plugin declares the configuration files that it reads, and gets a reader for each in \`host.files\`. The reader is
    called with \`at\`, so that plugins with the hooks config and user_config may answer in place of the file, and gives
    the parsed entries, at once or as a promise: \`await\` suits both, \`whenReady\` spares the promise. A file is parsed
    again only when it has changed. A bad line is left out and named in the log.`,
];

export const host = 'What setup is given.';

export const verdicts: readonly string[] = [
  `A handler of a deciding hook returns one of these. \`status\` is an enhanced status code (RFC 3463), such as '5.1.1', or
    a name for one, such as 'noSuchUser'. Without text the server's own words are sent. Whatever the text holds, it
    leaves as printable ASCII; each line end begins a further line of the reply.`,
  `\`DENY\` is answered with 5xx, \`DENYSOFT\` with 4xx; which code, the table of hooks says. A verdict with the field
    \`reply\`, by which a queue plugin hands on what another server has said, keeps that code where it is a 55x or 45x. A
    denial ends with the connection closed where it ends in \`_DISCONNECT\`.`,
  `Whatever a handler throws, and whatever it returns that is no verdict, is its failure: \`on_error\` on its line, else
    \`onError\` of the definition, says what that means. The client hears no cause; the log does.`,
];

export const kinds: readonly (readonly [string, string])[] = [
  ['decide', 'Handlers are asked in the order of the lines; the first verdict that is not DECLINED counts.'],
  [
    'ask',
    'The same, and the first that gives `answer(value)` is believed. A denial refuses the command where there is one.',
  ],
  ['watch', 'All handlers run, one after the other. What they return is not looked at.'],
];

export const hooks: readonly string[] = [
  'There are three kinds:',
  `A table has functions, lists of functions, or \`{ first: handler }\` for one that goes before those of other plugins. The
    hook logging takes \`{ upTo: 'info', handler }\`. The hooks in the order of a conversation:`,
];

export const at = `The first argument of every handler is made for this one call. It knows plugin and hook, so that log entries,
  refusals and deadlines have the right name. Do not keep it.`;

export const notes: readonly string[] = [
  'Notes are how plugins tell each other something of a client or message. Their names have types. A plugin adds its own:',
  `In another plugin, \`at.connection.notes.get('greeting_seconds')\` is then a number or undefined. Two plugins that
    declare one name with different types do not compile together.`,
];

export const noteExample: readonly string[] = [
  "declare module 'qpsmtpd' {",
  '  interface ConnectionNotes {',
  '    greeting_seconds: number;',
  '  }',
  '}',
];

export const logins: readonly string[] = [
  `A plugin that knows users has handlers for the mechanisms that it can serve, and these are what AUTH offers. A handler
    of \`auth\` alone has every mechanism but SCRAM offered. OK logs the client in (235) and makes it a relay client. DENY
    refuses it (535), DENYSOFT puts it off (454), DECLINED leaves it to the next plugin; where all decline, the login is
    refused. All refusals have the same words.`,
  `\`loginChecker\` compares a login with a stored password, in clear or as one of the usual hashes, in constant time and
    in slices, so that other clients need not wait for it. \`auth-scram-sha-256\` asks for what \`scramSecretOf\` makes of a
    password. Passwords and tokens must never get into the log.`,
];

export const waiting: readonly string[] = [
  `A handler that waits is \`async\`, or returns a promise. Others are served meanwhile, and this client is not read from. A
    handler that need not wait had better return its verdict itself: a chain of such handlers costs no promise at all.`,
  `What takes longer than \`hook_timeout\` (60 seconds, for hook queue 600) has failed, and \`at.signal\` aborts, as it does
    when the client is gone. Give it to what you wait for: \`fetch(url, { signal: at.signal })\`. What goes on nevertheless
    must not touch the transaction any more.`,
  `Computing keeps everybody waiting. A handler that holds up the event loop is named in the log; under forkserver a worker
    that stands still for 10 seconds is replaced, and the log names its plugin. Hand long work to a worker thread or a
    program.`,
];

export const logging: readonly string[] = [
  `\`at.log\` and \`host.log\` have a function for each level: debug, info, notice, warn, error, crit, alert, emerg, and
    \`enabled(level)\` for texts that are costly to make. By custom a text begins with pass, fail, skip or error, and a
    reason behind a comma: that is what log tools look for. Bytes that are not printable are escaped by the plugin that
    writes the log.`,
  'A handler of the hook logging gets entries, and must neither wait nor log:',
];

export const trying: readonly string[] = [
  `A transcript is a conversation with what is expected of it. Lines that begin with S: are replies, those with C: what the
    client sends, L: a log line, N: a note; * stands for any text.`,
  `The exit code is 0 when all was as expected. The plugin's line in the transcript may be left out: the words behind the
    file name take its place. CONTRIBUTING.md has the form of transcripts in full.`,
  `\`qpsmtpd check-config --config DIR\` then shows whether the server finds it, and with which hooks. SIGHUP reads the
    configuration anew; new code of a plugin that is loaded already takes a restart or SIGUSR2 with serve, SIGHUP alone with
    forkserver.`,
];

export const perl = `Perl plugins are not run; most are a matter of minutes to rewrite. On the left what stands in the Perl
  file, on the right what takes its place.`;
