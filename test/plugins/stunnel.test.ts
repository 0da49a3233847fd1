// stunnel on real sockets: a header may come from this host, and need not.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { definePlugin } from '../../src/contract/plugin.ts';
import { declined } from '../../src/contract/verdict.ts';
import { serveProxies } from '../server/proxy-support.ts';
import { connect } from '../support/smtp-dialog.ts';
import { stageWith } from './plugin-talk.ts';

async function serve(line: string) {
  const notes: Record<string, unknown>[] = [];
  const watcher = definePlugin({
    name: 'watcher',
    summary: '',
    setup: () => ({
      ehlo: ({ connection }) => {
        const { localPort, tls } = connection;
        notes.push({ ...Object.fromEntries(connection.notes.entries()), localPort, tls });
        return declined;
      },
    }),
  });
  const stage = await stageWith([line, 'watcher'], { plugins: { watcher } });
  return { ...(await serveProxies({ stage })), notes };
}

describe('stunnel', () => {
  it('"proxy on": the client is who the header says, and the notes of qpsmtpd tell', async () => {
    const { port, notes, stage } = await serve('stunnel proxy ON');
    const client = await connect(port);
    client.send('PROXY TCP4 192.168.41.227 10.27.11.106 50060 465\r\n');
    assert.match(await client.greet(), /Hi name-of-192\.168\.41\.227 \[192\.168\.41\.227\]/);
    assert.deepEqual(notes, [
      {
        proxy: 'YES',
        protocol: 'TCP4',
        remote_ip: '192.168.41.227',
        remote_port: 50060,
        local_ip: '10.27.11.106',
        local_port: 465,
        localPort: 465,
        tls: null,
      },
    ]);
    assert.ok(stage.takeLog().some((line) => line.endsWith('stunnel: pass, 192.168.41.227 port 50060')));
    await client.command('PROXY TCP4 127.0.0.1 127.0.0.1 1 2', /^421 4\.5\.1 /);
    assert.equal(await client.closed(), '');
  });

  it('"proxy on": a local client that sends no header is greeted all the same, as itself', async () => {
    const { port, notes } = await serve('stunnel proxy on');
    const silent = await connect(port);
    const hasty = await connect(port);
    hasty.send('EHLO c.example\r\n');
    await hasty.expect(220);
    await hasty.expect(/\[127\.0\.0\.1\]/);
    assert.match(await silent.greet(), /\[127\.0\.0\.1\]/);
    assert.deepEqual(
      notes.map((note) => note['proxy']),
      [undefined, undefined],
    );
  });

  it('"proxy on": a malformed header ends the connection without a word', async () => {
    const { port } = await serve('stunnel proxy on');
    const client = await connect(port);
    client.send('PROXY TCP4 192.168.41.227\r\n');
    assert.equal(await client.closed(), '');
  });

  it('"proxy off": a header is an unknown command', async () => {
    const { port } = await serve('stunnel proxy off');
    const client = await connect(port);
    client.send('PROXY TCP4 192.168.41.227 10.27.11.106 50060 465\r\n');
    await client.expect(220);
    await client.expect(500);
  });
});
