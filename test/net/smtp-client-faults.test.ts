// The SMTP client with servers that fail: what was not sent whole is an error, what was is an answer that is missing.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import type { ClientSettings, Handover } from '../../src/net/outgoing-message.ts';
import { NotSentError } from '../../src/net/outgoing-message.ts';
import { type ScriptedPeer, startScriptedServer } from '../support/scripted-server.ts';
import { CONTENT, codes, inPieces, type Mail, mail, open, settings } from './outgoing.ts';

const SHORT_MS = 50;
const three = ['<a@b.example>', '<b@b.example>', '<c@b.example>'];
const LMTP = { protocol: 'lmtp' } as const;

interface Attempt {
  readonly result: Handover | Error;
  readonly isUsable: boolean;
}

type Script = (peer: ScriptedPeer) => Promise<void>;

/** Connects and hands one message over, whatever comes of it. */
async function attempt(
  script: Script,
  given: Mail = {},
  more: Partial<ClientSettings> = {},
  signal?: AbortSignal,
): Promise<Attempt> {
  const server = await startScriptedServer(script);
  try {
    const client = await open(settings(server, more), signal);
    const result = await client.deliver(mail(given), signal).catch((error: Error) => error);
    return { result, isUsable: client.isUsable };
  } catch (error) {
    assert.ok(error instanceof Error);
    return { result: error, isUsable: false };
  }
}

function assertNotSent({ result, isUsable }: Attempt, message: RegExp): void {
  assert.ok(
    result instanceof NotSentError,
    String(result instanceof Error ? result : JSON.stringify(result)),
  );
  assert.match(result.message, message);
  assert.ok(!isUsable);
}

function handoverOf({ result }: Attempt): Handover {
  if (result instanceof Error) throw result;
  return result;
}

async function greet(peer: ScriptedPeer, ...offers: readonly string[]): Promise<void> {
  peer.say('220 scripted.example');
  await peer.line();
  peer.say(
    ...['scripted.example', ...offers].map((text, at) => `250${at < offers.length ? '-' : ' '}${text}`),
  );
}

/** Takes one recipient and says 354. */
async function takeEnvelope(peer: ScriptedPeer, recipients = 1, ...offers: readonly string[]): Promise<void> {
  await greet(peer, 'PIPELINING', ...offers);
  for (let count = 0; count <= recipients; count++) {
    await peer.line();
    peer.say('250 ok');
  }
  if (offers.includes('CHUNKING')) return;
  await peer.line();
  peer.say('354 go on');
}

const never = new Promise<void>(() => {});
const gone = (peer: ScriptedPeer) => peer.gone();

describe('a server that closes', () => {
  const moments: Readonly<Record<string, Script>> = {
    'before its greeting': async (peer) => peer.end(),
    'before its greeting, with RST': async (peer) => peer.reset(),
    'behind its greeting': async (peer) => {
      peer.say('220 hello');
      await peer.line();
      peer.end();
    },
    'in its reply to EHLO': async (peer) => {
      peer.say('220 hello');
      await peer.line();
      peer.write('250-scripted.example\r\n250-PIPEL');
      peer.end();
    },
    'behind MAIL': async (peer) => {
      await greet(peer);
      await peer.line();
      peer.end();
    },
    'in the middle of the envelope': async (peer) => {
      await greet(peer, 'PIPELINING');
      await peer.line();
      peer.say('250 ok');
      peer.end();
    },
    'behind DATA': async (peer) => {
      await greet(peer);
      for (let count = 0; count < 2; count++) {
        await peer.line();
        peer.say('250 ok');
      }
      await peer.line();
      peer.reset();
    },
  };
  for (const [when, script] of Object.entries(moments)) {
    test(`${when} has not had the message`, async () => {
      assertNotSent(await attempt(script), /closed|ECONNRESET|lost|EPIPE/);
    });
  }

  test('in the middle of a message that comes in pieces has not had it', async () => {
    for (const offer of ['8BITMIME', 'CHUNKING']) {
      const endless = inPieces(
        (async function* () {
          for (;;) {
            yield Buffer.alloc(65_536, 'x');
            await new Promise((resolve) => setImmediate(resolve));
          }
        })(),
      );
      const script = async (peer: ScriptedPeer) => {
        await takeEnvelope(peer, 1, offer);
        await peer.octets(100_000);
        peer.reset();
      };
      assertNotSent(await attempt(script, { content: endless }), /closed|ECONNRESET|EPIPE/);
    }
  });

  for (const offer of ['8BITMIME', 'CHUNKING']) {
    test(`behind the end of the message may have it (${offer})`, async () => {
      const script = async (peer: ScriptedPeer) => {
        await takeEnvelope(peer, 1, offer);
        await peer.octets(CONTENT.length);
        peer.end();
      };
      const { isSent, answers, failure } = handoverOf(await attempt(script));
      assert.deepEqual(codes(answers), [451]);
      assert.ok(isSent && failure !== null);
      assert.match(failure.message, /closed the connection/);
    });
  }

  test('between the answers of LMTP leaves the others in doubt', async () => {
    const script = async (peer: ScriptedPeer) => {
      await takeEnvelope(peer, 3);
      await peer.message();
      peer.say('250 a');
      peer.end();
    };
    const { answers, failure } = handoverOf(await attempt(script, { recipients: three }, LMTP));
    assert.deepEqual(codes(answers), [250, 451, 451]);
    assert.match(failure?.message ?? '', /closed the connection/);
  });
});

describe('421', () => {
  const envelopes: Readonly<Record<string, Script>> = {
    'as greeting': async (peer) => peer.say('421 4.3.2 full'),
    'to EHLO': async (peer) => {
      peer.say('220 hello');
      await peer.line();
      peer.say('421 4.3.2 full');
    },
    'to MAIL': async (peer) => {
      await greet(peer, 'PIPELINING');
      await peer.line();
      peer.say('421 4.3.2 full');
    },
    'to RCPT': async (peer) => {
      await greet(peer, 'PIPELINING');
      await peer.line();
      peer.say('250 ok', '421 4.3.2 full');
    },
    'to DATA': async (peer) => {
      await greet(peer, 'PIPELINING');
      await peer.line();
      peer.say('250 ok', '250 ok', '421 4.3.2 full');
    },
  };
  for (const [when, script] of Object.entries(envelopes)) {
    test(`${when} sends nothing`, async () => {
      assertNotSent(await attempt(script), /421 4\.3\.2 full/);
    });
  }

  test('to the message refuses it for now', async () => {
    const script = async (peer: ScriptedPeer) => {
      await takeEnvelope(peer);
      await peer.message();
      peer.say('421 4.3.2 shutting down');
      peer.end();
    };
    const one = await attempt(script);
    const { answers, failure } = handoverOf(one);
    assert.deepEqual(codes(answers), [421]);
    assert.ok(failure === null && !one.isUsable);
  });

  test('among the answers of LMTP is the answer of the others too', async () => {
    const script = async (peer: ScriptedPeer) => {
      await takeEnvelope(peer, 3);
      await peer.message();
      peer.say('250 a', '421 4.3.2 shutting down');
      peer.end();
    };
    const { answers, failure } = handoverOf(await attempt(script, { recipients: three }, LMTP));
    assert.deepEqual(codes(answers), [250, 421, 421]);
    assert.equal(failure, null);
  });
});

describe('a refusal', () => {
  for (const reply of ['554 5.7.1 not you', '452 4.3.2 later', '354 odd', '250 odd']) {
    test(`as greeting sends nothing: ${reply}`, async () => {
      assertNotSent(await attempt(async (peer) => peer.say(reply)), /^greeting: /);
    });
  }

  test('for want of TLS or a login is not for the sender', async () => {
    for (const reply of ['530 5.7.0 Must issue a STARTTLS command first', '535 5.7.8 log in']) {
      const script = (peer: ScriptedPeer) => peer.obey({ offers: ['PIPELINING'], replies: { MAIL: reply } });
      assertNotSent(await attempt(script), new RegExp(reply));
    }
  });

  for (const offer of ['8BITMIME', 'CHUNKING']) {
    test(`in the middle of a message ends it (${offer})`, async () => {
      const sent = Promise.withResolvers<void>();
      const content = inPieces(
        (async function* () {
          yield Buffer.alloc(100_000, 'x');
          sent.resolve();
          // More than any socket takes: the rest cannot be sent before the refusal is read.
          for (;;) {
            yield Buffer.alloc(300_000, 'x');
            await new Promise((resolve) => setImmediate(resolve));
          }
        })(),
      );
      const script = async (peer: ScriptedPeer) => {
        await takeEnvelope(peer, 1, offer);
        await sent.promise;
        peer.say('552 5.3.4 too big');
        peer.end();
        await peer.gone();
      };
      const one = await attempt(script, { content, recipients: ['<a@b.example>'] });
      const { answers, isSent } = handoverOf(one);
      assert.deepEqual(
        answers.map(({ code, status }) => [code, status]),
        [[552, '5.3.4']],
      );
      assert.ok(!isSent);
    });
  }

  test('that comes with its 354 is the answer', async () => {
    const script = async (peer: ScriptedPeer) => {
      await greet(peer, 'PIPELINING');
      await peer.line();
      peer.say('250 ok', '250 ok', '354 go on', '552 5.3.4 no, do not');
      await peer.gone();
    };
    const { answers, isSent } = handoverOf(await attempt(script));
    assert.deepEqual(codes(answers), [552]);
    assert.ok(!isSent);
  });

  test('before a big message was read ends the connection', async () => {
    const script = async (peer: ScriptedPeer) => {
      await takeEnvelope(peer);
      peer.pause();
      peer.say('552 5.3.4 too big');
      await never;
    };
    const one = await attempt(script, { content: `${'x'.repeat(30_000_000)}\r\n` });
    assert.deepEqual(codes(handoverOf(one).answers), [552]);
    assert.ok(!one.isUsable);
  });
});

describe('nonsense', () => {
  test('as greeting sends nothing', async () => {
    assertNotSent(await attempt(async (peer) => peer.say('SSH-2.0-OpenSSH_9.7')), /no reply: "SSH-2\.0/);
    assertNotSent(await attempt(async (peer) => peer.write('x'.repeat(10_000))), /endless line/);
  });

  test('in the envelope sends nothing', async () => {
    for (const replies of [
      { MAIL: '354 odd' },
      { RCPT: '334 odd' },
      { DATA: '250 odd' },
      { RCPT: 'what?' },
    ]) {
      const script = (peer: ScriptedPeer) => peer.obey({ offers: ['PIPELINING'], replies });
      assertNotSent(await attempt(script), /out of step: 3|out of step: 250|no reply: "what\?"/);
    }
  });

  test('as the answer to the message leaves it in doubt', async () => {
    for (const answer of ['354 odd', 'what?']) {
      const script = (peer: ScriptedPeer) => peer.obey({ offers: ['PIPELINING'], replies: { '.': answer } });
      const one = await attempt(script);
      const { answers, failure } = handoverOf(one);
      assert.deepEqual(codes(answers), [451]);
      assert.ok(failure !== null && !one.isUsable);
    }
  });

  test('behind the answer does not undo it', async () => {
    for (const more of ['HTTP/1.1 200 OK', '421 4.3.2 bye', '250 ok']) {
      const script = async (peer: ScriptedPeer) => {
        await takeEnvelope(peer);
        await peer.message();
        peer.say('250 2.0.0 queued', more);
        await peer.gone();
      };
      const one = await attempt(script);
      const { answers, failure } = handoverOf(one);
      assert.deepEqual(codes(answers), [250]);
      assert.ok(failure === null && !one.isUsable);
    }
  });

  test('while nothing is asked ends the connection', async () => {
    const later = Promise.withResolvers<void>();
    const server = await startScriptedServer(async (peer) => {
      await greet(peer);
      await later.promise;
      peer.say('250 by the way');
      await peer.gone();
    });
    const client = await open(settings(server));
    assert.ok(client.isUsable);
    later.resolve();
    await server.finished();
    assert.ok(!client.isUsable);
    await assert.rejects(client.deliver(mail()), { message: /unasked: 250 by the way/ });
  });
});

describe('a server that does not answer', () => {
  const silent: Readonly<Record<string, Script>> = {
    'with a greeting': gone,
    'to EHLO': async (peer) => {
      peer.say('220 hello');
      await peer.gone();
    },
    'to MAIL': async (peer) => {
      await greet(peer);
      await peer.gone();
    },
    'to one of many commands': async (peer) => {
      await greet(peer, 'PIPELINING');
      await peer.line();
      peer.say('250 ok');
      await peer.gone();
    },
    'to DATA': (peer) => peer.obey({ replies: { DATA: '250-not over' } }),
  };
  for (const [to, script] of Object.entries(silent)) {
    test(`${to} is given up`, async () => {
      assertNotSent(await attempt(script, {}, { commandMs: SHORT_MS }), /no answer within 0\.05 s/);
    });
  }

  test('to the message may have it', async () => {
    const script = async (peer: ScriptedPeer) => {
      await takeEnvelope(peer);
      await peer.gone();
    };
    const { answers, failure } = handoverOf(await attempt(script, {}, { messageMs: SHORT_MS }));
    assert.deepEqual(codes(answers), [451]);
    assert.match(failure?.message ?? '', /no answer within 0\.05 s/);
  });

  test('has the time for each answer, not for all of them', async () => {
    const script = async (peer: ScriptedPeer) => {
      await takeEnvelope(peer, 3);
      await peer.message();
      for (let count = 0; count < 3; count++) {
        await new Promise((resolve) => setTimeout(resolve, 500));
        peer.say('250 ok');
      }
    };
    const { answers } = handoverOf(
      await attempt(script, { recipients: three }, { ...LMTP, messageMs: 1200 }),
    );
    assert.deepEqual(codes(answers), [250, 250, 250]);
  });

  test('and does not read on in a message is given up', async () => {
    const content = inPieces(
      (async function* () {
        for (;;) yield Buffer.alloc(1_000_000, 'x');
      })(),
    );
    const script = async (peer: ScriptedPeer) => {
      await takeEnvelope(peer);
      peer.pause();
      await never;
    };
    assertNotSent(await attempt(script, { content }, { commandMs: SHORT_MS }), /read nothing for 0\.05 s/);
  });

  test('to QUIT is left', async () => {
    const server = await startScriptedServer((peer) => peer.obey({ replies: { QUIT: '221-bye' } }));
    const client = await open(settings(server));
    const goodbye = client.quit();
    client.close();
    await goodbye;
    assert.ok(!client.isUsable);
  });
});

describe('a server that cannot be reached', () => {
  test('says why', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    await new Promise((resolve) => server.close(resolve));
    const { port } = address;
    await assert.rejects(open(settings({ host: '127.0.0.1', port })), {
      message: /ECONNREFUSED 127\.0\.0\.1/,
    });
    // A name with several addresses fails with several errors.
    await assert.rejects(open(settings({ host: 'localhost', port })), { message: /ECONNREFUSED/ });
    await assert.rejects(open(settings({ path: '/nowhere/at/all' })), {
      message: /ENOENT \/nowhere\/at\/all/,
    });
  });
});

describe('who gives up', () => {
  test('before the connection stands, or in its beginning, ends it', async () => {
    await assert.rejects(open(settings({ port: 1 }), AbortSignal.abort()), { message: 'given up' });
    const controller = new AbortController();
    const script = async (peer: ScriptedPeer) => {
      peer.say('220 hello');
      await peer.line();
      controller.abort();
      await peer.gone();
    };
    assertNotSent(await attempt(script, {}, {}, controller.signal), /the connection is closed/);
  });

  test('before the message, or in the middle of it, ends it', async () => {
    const server = await startScriptedServer((peer) => peer.obey());
    const client = await open(settings(server));
    await assert.rejects(client.deliver(mail(), AbortSignal.abort()), { message: 'given up' });

    for (const offer of ['8BITMIME', 'CHUNKING']) {
      const controller = new AbortController();
      let isOver = false;
      const content = inPieces(
        (async function* () {
          try {
            for (let count = 0; ; count++) {
              yield Buffer.alloc(300_000, 'x');
              if (count === 3) controller.abort();
            }
          } finally {
            isOver = true;
          }
        })(),
      );
      const obey = (peer: ScriptedPeer) => peer.obey({ offers: [offer] });
      assertNotSent(await attempt(obey, { content }, {}, controller.signal), /the connection is closed/);
      assert.ok(isOver, 'the file is closed');
    }
  });

  for (const offer of ['8BITMIME', 'CHUNKING']) {
    test(`behind the message hears the answer all the same (${offer})`, async () => {
      const controller = new AbortController();
      const script = async (peer: ScriptedPeer) => {
        await takeEnvelope(peer, 1, offer);
        await peer.octets(CONTENT.length);
        controller.abort();
        peer.say('250 2.0.0 queued');
        await peer.gone();
      };
      const one = await attempt(script, {}, {}, controller.signal);
      const { answers, failure } = handoverOf(one);
      assert.deepEqual(codes(answers), [250]);
      assert.ok(failure === null && one.isUsable);
    });
  }
});

test('content that cannot be read ends the connection', async () => {
  for (const offers of [[], ['CHUNKING']]) {
    const content = inPieces(
      (async function* () {
        yield Buffer.from('Subject: a\r\n');
        throw new Error('EIO: i/o error');
      })(),
    );
    const obey = (peer: ScriptedPeer) => peer.obey({ offers });
    assertNotSent(await attempt(obey, { content }), /EIO/);
  }
});

test('addresses with control characters are not sent', async () => {
  const { Address } = await import('../../src/protocol/address.ts');
  const server = await startScriptedServer((peer) => peer.obey());
  const client = await open(settings(server));
  const forged = new Address('a"\r\nRCPT TO:<b@b.example>', 'b.example');
  const message = { ...mail(), recipients: [{ address: forged, params: new Map() }] };
  const { answers, isSent } = await client.deliver(message);
  assert.deepEqual([codes(answers), isSent], [[553], false]);
});
