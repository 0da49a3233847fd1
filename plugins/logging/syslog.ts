// Writes log entries to a syslog daemon, on this host or another one (qpsmtpd: plugins/logging/syslog, and what Perl's
// Sys::Syslog does for it).

import { definePlugin, type Host, type OptionValues, option } from 'qpsmtpd';
import { levelOption } from './_level.ts';
import { checkSyslog } from './_syslog-check.ts';
import type { SyslogWay } from './_syslog-link.ts';
import { openLogger } from './_syslog-logger.ts';
import { messageMaker, type Sender } from './_syslog-message.ts';
import {
  type Priority,
  readFacility,
  readIdent,
  readPriority,
  readWays,
  type WayName,
  wordOption,
} from './_syslog-names.ts';
import { Notices } from './_syslog-notices.ts';
import { openStream, openTcp, openUdp } from './_syslog-sockets.ts';
import { SyslogWriter } from './_syslog-writer.ts';

const LOCAL_SOCKET = '/dev/log';
const LOCAL_HOST = '127.0.0.1';
const PORT = 514;

const options = {
  loglevel: levelOption('warn', 'the least important level that is written'),
  priority: wordOption<Priority | null>(readPriority, {
    form: 'PRIORITY',
    doc: 'the priority of all entries, such as info, LOG_NOTICE or 5; else each entry has that of its level',
    default: null,
    shownDefault: '',
  }),
  ident: wordOption(readIdent, {
    form: 'NAME',
    doc: 'the name that stands before each entry',
    default: 'qpsmtpd',
    shownDefault: 'qpsmtpd',
  }),
  facility: wordOption(readFacility, {
    form: 'FACILITY',
    doc: 'the facility of all entries, such as mail, LOG_DAEMON or local3',
    default: readFacility('mail'),
    shownDefault: 'LOG_MAIL',
  }),
  logsock: wordOption<readonly WayName[]>(readWays, {
    form: 'WAY[,WAY…]',
    doc: 'ways to the daemon, tried in this order: native or unix, stream, tcp, udp; inet is tcp,udp',
    default: ['logger'],
    shownDefault: 'native',
  }),
  socket: option.path({ doc: `the socket of the daemon on this host (default: ${LOCAL_SOCKET})` }),
  host: option.text({
    form: 'HOST',
    doc: `the host of the daemon, for tcp and udp (default: ${LOCAL_HOST})`,
  }),
  port: option.integer({ min: 1, max: 65_535, doc: `its port, for tcp and udp (default: ${PORT})` }),
};

type Options = OptionValues<typeof options>;

export default definePlugin({
  name: 'logging/syslog',
  summary: 'writes log entries to syslog',
  docs: `Writes every log entry up to a level to a syslog daemon: that of this host, unless logsock says otherwise. An entry
looks like this there, with the id of the process behind the name, and the line of logging/warn behind that:

    qpsmtpd[4711]: 4711.12 (rcpt) rcpt_ok: pass

So journalctl -t qpsmtpd finds all entries, and 4711.12 those of one client. What is longer than 1024 octets, as much as
every daemon takes, goes on in further messages, each with the id. What is not printable ASCII is escaped: no client can
forge a line or a priority.

The plugin is loaded by a line of config/logging.

Example, in config/logging: logging/syslog loglevel info facility local3

The ways of logsock:

native, unix: the program logger of util-linux, which is part of every Debian, Ubuntu, Fedora, SUSE and their like, but not
of Alpine; that of busybox will not do. Each process of the server has one of it, with the rights of the server, from the
first entry on. It is started anew when it ends.

stream: a socket in the file system that takes a stream, such as unix-stream() of syslog-ng.

tcp, udp: a daemon at HOST and PORT, by RFC 3164, over TCP with LF behind each message. Everybody on the way can read and
change what is sent.

The mail never waits for syslog. Up to 1 MiB of entries wait while no way can be gone, which is tried again after 30 seconds
at the most; what is beyond that is lost. Standard error tells of it, once a minute for each cause. Entries that a daemon
has not taken for sure are sent anew, so that some may be there twice.

Log lines: none of its own.`,
  options,
  positional: ['loglevel'],
  setup({ id, options, stderr, pid, hostname, env, clock, onRetire }) {
    const places = placesOf(options);
    const { ident, facility, priority } = options;
    const sender: Sender = { ident, facility, priority, pid, host: hostname.replace(/\..*/, '') };
    const monotonic = () => clock.monotonic();
    const say = (text: string) => stderr(`${pid} ${id}: ${text}`);
    const ways = options.logsock.map((name) => wayNamed(name, { ...places, sender, env }));
    const writer = new SyslogWriter({ ways, notices: new Notices({ monotonic, say }), monotonic });
    const messagesOf = messageMaker(sender);
    onRetire(() => writer.retire());
    return {
      'post-fork': () => writer.begin(),
      logging: {
        upTo: options.loglevel,
        handler(_at, entry) {
          if (entry.plugin !== id) writer.add(messagesOf(entry));
        },
      },
    };
  },
  check({ options }, checkup) {
    const { socket } = placesOf(options);
    return checkSyslog({ ways: options.logsock, socket }, checkup);
  },
});

interface Places {
  readonly socket: string;
  readonly host: string;
  readonly port: number;
}

/** @throws Error where an option would have no effect */
function placesOf({ logsock, socket, host, port }: Options): Places {
  const isRemote = logsock.includes('tcp') || logsock.includes('udp');
  const isLocal = logsock.includes('logger') || logsock.includes('stream');
  if (!isRemote && (host !== undefined || port !== undefined)) {
    throw new Error('host and port are for logsock udp and tcp: write logsock udp, or leave them out');
  }
  if (!isLocal && socket !== undefined) {
    throw new Error('socket is for logsock unix and stream: write logsock unix, or leave it out');
  }
  return { socket: socket ?? LOCAL_SOCKET, host: host ?? LOCAL_HOST, port: port ?? PORT };
}

type WayMeans = Places & { readonly sender: Sender } & Pick<Host, 'env'>;

function wayNamed(name: WayName, means: WayMeans): SyslogWay {
  const { sender, socket } = means;
  switch (name) {
    case 'logger':
      return { name, open: (owner) => openLogger(means, owner) };
    case 'stream':
      return { name, open: (owner) => openStream(socket, sender, owner) };
    case 'tcp':
      return { name, open: (owner) => openTcp(means, sender, owner) };
    case 'udp':
      return { name, open: (owner) => openUdp(means, sender, owner) };
  }
}
