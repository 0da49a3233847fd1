import assert from 'node:assert/strict';
import { test } from 'node:test';
import plugin from '../../../plugins/queue/discard.ts';
import { setUpQueue, shown } from '../../support/queue-plugin.ts';

test('is loud: at the start, and with each message', async () => {
  const queue = setUpQueue(plugin);
  assert.deepEqual(queue.log.splice(0), ['warn every message is thrown away here']);
  const recipients = ['<user@example.org>', '<"a b"@example.com>'];
  const { verdict } = await queue.deliver({ sender: '<>', recipients });
  assert.equal(shown(verdict), 'OK thrown away');
  assert.deepEqual(queue.log, [
    'warn pass, thrown away: from <> to <user@example.org> <"a b"@example.com>, 46 octets',
  ]);
});
