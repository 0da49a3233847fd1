// A log as lines that a test can compare: `level text`.

import type { Logger } from 'qpsmtpd';

/** @param lines where they are put */
export function logger(lines: string[]): Logger {
  const at = (level: string) => (text: string) => void lines.push(`${level} ${text}`);
  return {
    enabled: () => true,
    debug: at('debug'),
    info: at('info'),
    notice: at('notice'),
    warn: at('warn'),
    error: at('error'),
    crit: at('crit'),
    alert: at('alert'),
    emerg: at('emerg'),
  };
}
