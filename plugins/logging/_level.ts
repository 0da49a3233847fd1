// The level that a logging plugin writes up to, as a line of config/logging gives it: a number or a name.

import { type LogLevel, logLevelOf, type Option, OptionError, parseLogLevel } from 'qpsmtpd';

/** @throws OptionError where the text is no level; a number above 7 means all there is */
export function readLevel(text: string): LogLevel {
  const known = /^\d+$/.test(text) ? logLevelOf(Number(text)) : parseLogLevel(text);
  if (known === null) throw new OptionError(`"${text}" is not a log level`);
  return known;
}

/** @param byDefault the level where the line has none */
export function levelOption(byDefault: LogLevel, doc: string): Option<LogLevel> {
  return {
    form: 'LEVEL',
    doc: `${doc}: 0 to 7, or a name such as info or LOGINFO`,
    required: false,
    rest: false,
    default: byDefault,
    shownDefault: byDefault,
    parse: readLevel,
  };
}
