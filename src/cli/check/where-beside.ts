// A place as it is named beside another one: the file is said only where it is a different one.

import { showWhere, type Where } from '../../config/errors.ts';

export function nearPlace(where: Where, from: Where): string {
  return where.file === from.file && where.line !== undefined ? `line ${where.line}` : showWhere(where);
}
