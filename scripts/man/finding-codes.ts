// The codes of findings in qpsmtpd(8), from the table that the program takes them from.

import { findingCodes } from '../../src/config/finding-codes.ts';
import { bold, item, sentence } from './roff.ts';

const BEGIN = '.\\" Codes of findings: written by "npm run generate" from src/config/finding-codes.ts.\n';
const END = '.\\" End of codes.\n';

/** The page with the codes in their place. @throws Error where it has no such place */
export function withFindingCodes(page: string): string {
  const [before, rest] = page.split(BEGIN);
  const end = rest?.indexOf(END) ?? -1;
  if (before === undefined || rest === undefined || end < 0) {
    throw new Error('man/qpsmtpd.8 has no place for the codes of findings');
  }
  const items = Object.entries(findingCodes).map(([code, doc]) => item(bold(code), sentence(doc)));
  return [before, BEGIN, items.join('\n'), '\n', rest.slice(end)].join('');
}
