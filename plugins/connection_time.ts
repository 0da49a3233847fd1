// Logs how long each connection lasted (qpsmtpd: plugins/connection_time).

import {
  declined,
  definePlugin,
  type LogLevel,
  logLevelOf,
  logLevels,
  OptionError,
  option,
  parseLogLevel,
} from 'qpsmtpd';

const levelName = option.oneOf(Object.keys(logLevels) as LogLevel[], {
  default: 'info',
  doc: 'level of the entry, as a name or number, or a shift from info; +1 makes it debug, -1 notice',
});
const level: typeof levelName = {
  ...levelName,
  form: 'LEVEL|N|+N|-N',
  parse(text) {
    if (/^[+-][0-7]$/.test(text)) return logLevelOf(logLevels.info + Number(text));
    const known = parseLogLevel(text);
    if (known === null)
      throw new OptionError(`"${text}" is none of LOGINFO, info, N, +N and -N with N from 0 to 7`);
    return known;
  },
};

export default definePlugin({
  name: 'connection_time',
  summary: 'logs how long a connection lasted',
  docs: `Writes the time from the arrival of a client to the end of its connection into the log, in seconds. What other
plugins do before the greeting and the look-up of the client's name are part of it.

The level may stand alone on the line, as a name (LOGDEBUG or debug) or number.

Example, in config/plugins: connection_time loglevel -1

Log lines: the time, such as "1.250 s.".`,
  options: { loglevel: level },
  positional: ['loglevel'],
  setup({ options, clock, perConnection }) {
    // The time of day may be set while a connection lasts; it only bridges the time before the hook connect.
    const start = perConnection(({ startedAt }) => {
      const before = Math.max(0, clock.now().getTime() - startedAt.getTime());
      return { at: clock.monotonic() - before };
    });
    return {
      connect: {
        first(at) {
          start(at.connection);
          return declined;
        },
      },
      'post-connection'(at) {
        const seconds = (clock.monotonic() - start(at.connection).at) / 1000;
        at.log[options.loglevel](`${seconds.toFixed(3)} s.`);
      },
    };
  },
});
