// Every code that a finding can have, with what it means: for scripts that read `check-config --json`, and for the
// manual. A code stays what it is; a new kind of finding gets a row of its own.

export const findingCodes = {
  // Files as such.
  MISSING_FOLDER: 'a folder of the configuration is not there',
  UNREADABLE_FOLDER: 'the files of a folder cannot be listed',
  UNREADABLE_FILE: 'a file cannot be read',
  UNKNOWN_FILE: 'nothing reads a file of this name, which is close to one that is read',
  UNREAD_FILE: 'nothing reads a file of this name',
  IDLE_FILE: 'a file has entries, and the plugin that reads it is not loaded',
  BAD_CDB: 'a file is not the constant database that its name says',
  // Lines of any file.
  BAD_INCLUDE: 'a line begins with $include and is none',
  MISSING_INCLUDE: 'what is to be included is not there',
  CIRCULAR_INCLUDE: 'a file includes itself, directly or by others',
  TOO_MANY_INCLUDES: 'more files are included than anybody can want',
  CONTROL_BYTE: 'a line holds a control byte',
  NOT_UTF8: 'a line is not UTF-8',
  BAD_VALUE: 'a file of the core holds what it cannot hold',
  EXTRA_LINE: 'a file of one value has more lines',
  BAD_LINE: 'a line of a list of a plugin makes no sense',
  ODD_LINE: 'a line of a list of a plugin can be read, and means something that is seldom wanted',
  // Plugins.
  BAD_PLUGIN_LINE: 'a line is not a plugin with its words',
  DUPLICATE_PLUGIN: 'a plugin is loaded twice under one name',
  UNKNOWN_PLUGIN: 'there is no such plugin',
  PERL_PLUGIN: 'the plugin is there, in Perl',
  PERL_PACKAGE: 'a line names a Perl package',
  UNLOADABLE_PLUGIN: 'the file of a plugin cannot be loaded',
  NOT_A_PLUGIN: 'a file is no plugin, or a wrong one',
  UNKNOWN_HOOK: 'a plugin registers for a hook that there is not',
  CIRCULAR_EXTENDS: 'plugins extend each other in a circle',
  UNKNOWN_OPTION: 'a plugin has no such option',
  BAD_OPTION: 'an option of a plugin cannot have this value',
  MISSING_OPTION: 'an option that a plugin needs is not there',
  FAILED_SETUP: 'a plugin says that it cannot work in this way',
  ODD_WORD: 'a word is taken for a value and looks like the name of an option',
  PLUGIN_CHECK: 'a plugin says what is wrong with what its line stands on',
  // Plugins together.
  NO_PLUGIN_FOR_HOOK: 'no plugin takes recipients, or none takes messages',
  PLUGIN_ORDER: 'plugins stand in an order in which they cannot do their work',
  MARKED_TOO_LATE: 'a plugin marks clients (reject naughty) when the plugin naughty has looked',
  MARKED_FOR_NOBODY: 'a plugin marks clients (reject naughty), and the plugin naughty is not loaded',
  NO_LOGGING_PLUGIN: 'a plugin in the file logging writes no log',
  NO_QUEUE_PLUGIN: 'a plugin is to get messages from another one and takes none',
  UNKNOWN_TARGET: 'queue_routes names what takes no messages',
  DUPLICATE_ROUTE: 'queue_routes has two lines for one pattern',
  ALL_QUEUES_ROUTED: 'queue_routes names all queue plugins, and says nothing of other recipients',
  NOT_CARRIED: 'the file extensions turns on what queue plugins cannot carry on',
  // Who may do what.
  OPEN_RELAY: 'a stranger may send to anybody',
  ROUTED_ADDRESS: 'an address with a route in it is taken, and handed to another server',
  NOT_ASKED: 'whether a plugin lets strangers relay is not known',
  NO_DOMAINS: 'mail is taken for the name of the server alone',
  UNREADABLE_FOR_SERVER: 'the user of the server cannot read a file that it has to read',
  NOT_WRITABLE: 'the user of the server cannot write to a folder that it has to write to',
  OPEN_SECRET: 'everybody on the host can read or change a file that holds secrets',
  OPEN_FOLDER: 'everybody on the host can put files into a folder of the server',
  OPEN_CONFIG: 'others can change the configuration',
  CONFIG_OF_SERVER: 'the user of the server can change the configuration',
  SPOOL_OWNER: 'spool_dir belongs to somebody else than the user of the server',
  SPOOL_MODE: 'spool_dir has other permissions than spool_perms says',
  // Addresses to listen on, at the start of a server.
  LISTEN_WITHOUT_TLS: 'a listener is for TLS, and no plugin does it',
  LISTEN_WITHOUT_PROXIES: 'a listener is for proxies, and none is known',
} as const satisfies Readonly<Record<string, string>>;

export type FindingCode = keyof typeof findingCodes;
