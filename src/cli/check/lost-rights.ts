// What root can read when it starts the server, and the user that it then becomes cannot: the server would run until
// somebody reloads it.

import type { Finding } from '../../config/errors.ts';
import type { CheckContext } from './context.ts';
import { permissions } from './permissions.ts';
import { pluginChecks } from './plugin-checks.ts';

export async function lostRightsFindings(context: CheckContext): Promise<Finding[]> {
  const found = [...(await permissions(context)), ...(await pluginChecks(context))];
  return found
    .filter(({ code }) => code === 'UNREADABLE_FOR_SERVER')
    .map((one) => ({
      ...one,
      severity: 'warning',
      text: `${one.text}; root has read it for this start, and a reload will be refused`,
    }));
}
