// What plugins say of themselves (Plugin.check), with their lines for a place: certificates, files, folders.

import { type Finding, quoted, type Severity } from '../../config/errors.ts';
import type { Checkup } from '../../contract/checkup.ts';
import type { LoadedLine } from '../../engine/instantiate.ts';
import type { Check, CheckContext } from './context.ts';
import {
  findingsOfAppending,
  findingsOfReading,
  findingsOfSecret,
  findingsOfWriting,
} from './rights-findings.ts';

export const pluginChecks: Check = async (context) => {
  const found: Finding[] = [];
  for (const line of context.engine.lines) found.push(...(await findingsOf(line, context)));
  return found;
};

async function findingsOf(line: LoadedLine, { now, store, user }: CheckContext): Promise<Finding[]> {
  const { where } = line.line;
  const found: Finding[] = [];
  const say = (severity: Severity, text: string, hint: string | null) =>
    void found.push(findingFor(line, severity, text, hint));
  const checkup: Checkup = {
    now,
    me: store.value('me'),
    error: (text, hint = undefined) => say('error', text, hint ?? null),
    warn: (text, hint = undefined) => say('warning', text, hint ?? null),
    reads: (path) => void found.push(...findingsOfReading(path, user, where)),
    readsSecret: (path) => void found.push(...findingsOfSecret(path, user, where)),
    writes: (folder) => void found.push(...findingsOfWriting(folder, user, where)),
    appends: (file) => void found.push(...findingsOfAppending(file, user, where)),
  };
  try {
    await line.check(checkup);
  } catch (error) {
    say('warning', `its check failed: ${error instanceof Error ? error.message : String(error)}`, null);
  }
  return found.map((one) => ({ ...one, text: `plugin ${quoted(line.instance.id)}: ${one.text}` }));
}

function findingFor(
  { line: { where } }: LoadedLine,
  severity: Severity,
  text: string,
  hint: string | null,
): Finding {
  return { severity, code: 'PLUGIN_CHECK', where, text, hint };
}
