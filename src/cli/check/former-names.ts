// Lines that call a plugin by the name that it had before qpsmtpd 0.94. They work; documents and logs of today have the
// other name.

import { type Finding, quoted } from '../../config/errors.ts';
import { formerNames } from '../../engine/former-names.ts';
import type { Check } from './context.ts';

export const formerNamesInUse: Check = ({ engine }) =>
  engine.lines.flatMap(({ line: { plugin, where }, plugins }): Finding[] => {
    const present = formerNames[plugin];
    // A site's own plugin may have such a name.
    if (present === undefined || plugins[0]?.file !== null) return [];
    const text = `plugin ${quoted(plugin)} is called ${quoted(present)} now`;
    return [{ severity: 'info', code: 'FORMER_NAME', where, text, hint: null }];
  });
