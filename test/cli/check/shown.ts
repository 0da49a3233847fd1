// Findings as lines that a test can compare: severity, code, place and sentence, with paths from the folder `etc`.

import { join } from 'node:path';
import { type Finding, showWhere } from '../../../src/config/errors.ts';

export function shown(dir: string, findings: readonly Finding[]): string[] {
  return findings.map(({ severity, code, where, text, hint }) => {
    const place = where === null ? 'nowhere' : showWhere(where);
    const line = `${severity} ${code} ${place}: ${text}${hint === null ? '' : ` (${hint})`}`;
    return line.replaceAll(join(dir, 'etc/'), '');
  });
}
