// Every check of `qpsmtpd check-config` that looks at more than one line of one file.

import type { BundledPlugins } from '../../engine/plugin-source.ts';
import type { Check } from './context.ts';
import { formerNamesInUse } from './former-names.ts';
import { listFiles } from './list-files.ts';
import { openRelay } from './open-relay.ts';
import { permissions } from './permissions.ts';
import { pluginChecks } from './plugin-checks.ts';
import { unknownFiles } from './unknown-files.ts';

/** In the order in which their findings are printed. */
export function allChecks(bundled: BundledPlugins): readonly Check[] {
  return [formerNamesInUse, listFiles, unknownFiles(bundled), openRelay, pluginChecks, permissions];
}
