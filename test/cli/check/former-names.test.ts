// Plugins by the names that they had before qpsmtpd 0.94.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { formerNamesInUse } from '../../../src/cli/check/former-names.ts';
import { shown } from './shown.ts';
import { contextOf } from './support.ts';

it('a former name is told, but not that of a plugin of the site', async () => {
  const context = await contextOf({
    plugins: 'check_earlytalker\ncheck_relay\nrcpt_ok\n',
    plugin_dirs: '@DIR@/own\n',
    './own/check_relay.ts':
      "import { definePlugin } from 'qpsmtpd';\n" +
      "export default definePlugin({ name: 'check_relay', summary: 'x', setup: () => ({}) });\n",
  });
  assert.deepEqual(context.findings, []);
  assert.deepEqual(shown(context.dir, [...(await formerNamesInUse(context))]), [
    'info FORMER_NAME plugins:1: plugin "check_earlytalker" is called "earlytalker" now',
  ]);
});
