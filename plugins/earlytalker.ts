// Refuses clients that speak before it is their turn: before the greeting (RFC 5321 section 4.3.1), or, behind DATA,
// before they are told to go ahead (RFC 2920 section 3.1). (qpsmtpd: plugins/earlytalker.)

import {
  type AtSession,
  type Connection,
  declined,
  definePlugin,
  denial,
  disconnect,
  option,
  type Verdict,
} from 'qpsmtpd';

type Moment = 'greeting' | 'data';

const SAYINGS: Readonly<Record<Moment, { readonly log: string; readonly reply: string }>> = {
  greeting: {
    log: 'the client spoke before the greeting',
    reply: 'you must not speak before you have seen the greeting',
  },
  data: {
    log: 'the client sent its message before it was told to go ahead',
    reply: 'you must not send a message before you are told to go ahead',
  },
};
const STATUS = '5.5.0';
/** karma_history above which a client need not wait */
const GOOD_HISTORY = 5;

export default definePlugin({
  name: 'earlytalker',
  summary: 'refuses clients that speak before it is their turn',
  docs: `Programs that send spam or viruses often do not wait for answers. The greeting is held back for the seconds of wait; a client
that says something in this time is refused, at once. Other clients are served all the while. Do not choose
more than a few seconds: some clients wait no more than 30 for the greeting. It has to be less than hook_timeout,
which would end it with the client unchecked.

With check-at DATA the answer to DATA is held back in the same way, and a client is refused that sends its
message, or anything else, before it is told to go ahead, be it in the very packet with DATA. The connection then ends
whatever reject_type says, or else the message would be read as commands. Clients that send their
commands in groups (PIPELINING) may do so up to DATA and have to wait there. BDAT is not looked at: there the message
follows at once, as it should. Both checks: check-at CONNECT check-at DATA.

With defer-reject a client that spoke too early is greeted all the same and refused at each MAIL, so that the log shows
the sender. What the client said counts as its first commands.

Relay clients, and whitelisted hosts and senders, are not checked, so put the plugins that know them above this one. A client whose
note karma_history is above ${GOOD_HISTORY} does not wait for its greeting. Another plugin may set the seconds for one connection with the
note earlytalker_wait. Under TLS from the first octet (port 465), the time after the handshake is looked at.

The note earlytalker of the connection is 1 for a client that spoke too early, and its karma falls by 1.

Examples, in config/plugins:

earlytalker wait 2

earlytalker check-at CONNECT check-at DATA reject_type perm

Log lines: "pass, not spontaneous", "fail" with what the client did, "skip" with the reason where nothing was checked.`,
  options: {
    wait: option.number({ default: 1, min: 0, doc: 'seconds to wait for what should not come' }),
    ...option.reject({ type: 'temp' }),
    'defer-reject': option.flag({ default: false, doc: 'greet the client, and refuse it at MAIL' }),
    'check-at': option.someOf(['CONNECT', 'DATA'], {
      default: ['CONNECT'],
      doc: 'when to look; may be given twice',
    }),
    action: option.oneOf(['deny', 'denysoft', 'log'], {
      doc: 'older word for reject and reject_type together, which do not count where it is given',
    }),
  },
  order: [
    {
      hook: 'connect',
      after: ['relay', 'whitelist', 'karma'],
      otherwise: 'clients that they would let pass are checked all the same, and wait for their greeting',
    },
  ],
  setup({ options }) {
    const isDeferred = options['defer-reject'];
    const points = options['check-at'];

    const refuse = (at: AtSession, moment: Moment): Verdict => {
      const { log, reply } = SAYINGS[moment];
      const { action } = options;
      if (action === undefined) return at.reject(reply, { status: STATUS, log });
      at.log.info(action === 'log' ? `fail, tolerated, ${log}` : `fail, ${log}`);
      return action === 'log' ? declined : denial(action === 'deny' ? 'DENY' : 'DENYSOFT', reply, STATUS);
    };

    /** whether the client kept still */
    const isSilent = async (at: AtSession): Promise<boolean> => {
      const { connection } = at;
      const seconds = connection.notes.get('earlytalker_wait') || options.wait;
      if (!(await connection.hasInput(seconds * 1000))) {
        at.log.info('pass, not spontaneous');
        return true;
      }
      connection.notes.set('earlytalker', 1);
      at.adjustKarma(-1);
      return false;
    };

    const connect = async (at: AtSession): Promise<Verdict> => {
      const exempt = whyNotAtConnect(at.connection);
      if (exempt !== null) {
        at.log.info(`skip, ${exempt}`);
        return declined;
      }
      if (await isSilent(at)) return declined;
      if (!isDeferred) return refuse(at, 'greeting');
      at.log.info(`fail, deferred, ${SAYINGS.greeting.log}`);
      return declined;
    };

    return {
      connect: points.includes('CONNECT') ? (at) => (at.isImmune() ? declined : connect(at)) : undefined,
      mail: isDeferred
        ? (at) => (at.connection.notes.has('earlytalker') ? refuse(at, 'greeting') : declined)
        : undefined,
      data: points.includes('DATA')
        ? async (at) => {
            if (isChunked(at.connection) || at.isImmune() || (await isSilent(at))) return declined;
            return hangingUp(refuse(at, 'data'));
          }
        : undefined,
    };
  },
});

// What has come early is the text of a message: it must not be read as commands after the refusal.
function hangingUp(verdict: Verdict): Verdict {
  const { code } = verdict;
  return code === 'DENY' || code === 'DENYSOFT' ? disconnect({ ...verdict, code }) : verdict;
}

function whyNotAtConnect({ notes, service, tls, localPort }: Connection): string | null {
  const history = notes.get('karma_history');
  if (history !== undefined && history > GOOD_HISTORY) return `karma ${history}`;
  // Without this, the first octets of a handshake would count as early talk.
  const isTlsToCome = tls === null && (service.tls || localPort === 465);
  return isTlsToCome ? 'TLS has not begun' : null;
}

// RFC 3030: the octets of a chunk follow its BDAT without an answer in between.
function isChunked({ commandLine }: Connection): boolean {
  return /^bdat\b/i.test(commandLine);
}
