import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { declined, deny, ok } from '../../src/contract/verdict.ts';
import { Bench, doing } from './support.ts';

/** Lets everything run that only waits for promises. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

// Spelt so that no reader and no linter takes it for an accident.
const THEN = 'then';

describe('a chain', () => {
  it('gives no promise while no handler does', (t) => {
    const bench = new Bench(t).on('noop', () => declined).on('noop', () => ok('fine'));
    const verdict = bench.dispatcher().decide('noop', bench.scene, '');
    assert.equal(verdict instanceof Promise, false);
    assert.deepEqual(verdict, ok('fine'));
  });

  it('declines when all do, or when there is nobody', (t) => {
    const bench = new Bench(t).on('noop', () => declined);
    assert.equal(bench.dispatcher().decide('noop', bench.scene, ''), declined);
    assert.equal(bench.dispatcher().decide('help', bench.scene, ''), declined);
  });

  it('ends with the first verdict', (t) => {
    const bench = new Bench(t).on('noop', () => deny('no')).on('noop', () => assert.fail('asked too late'));
    assert.deepEqual(bench.dispatcher().decide('noop', bench.scene, ''), deny('no'));
  });

  it('waits from the first promise on, in order', async (t) => {
    const order: number[] = [];
    const bench = new Bench(t)
      .on('noop', () => doing(() => order.push(1), declined))
      .on('noop', async () => {
        await settled();
        order.push(2);
        return declined;
      })
      .on('noop', () => doing(() => order.push(3), ok()));
    const given = bench.dispatcher().decide('noop', bench.scene, '');
    assert.equal(given instanceof Promise, true);
    assert.deepEqual(order, [1]);
    assert.deepEqual(await given, ok());
    assert.deepEqual(order, [1, 2, 3]);
  });

  it('takes any thenable for a promise', async (t) => {
    const thenable = { [THEN]: (resolve: (value: unknown) => void) => resolve(ok('then')) };
    const bench = new Bench(t).on('noop', () => thenable);
    assert.deepEqual(await bench.dispatcher().decide('noop', bench.scene, ''), ok('then'));
  });

  it('gives the arguments of the hook, and who is called where', (t) => {
    const bench = new Bench(t).on('unrecognized_command', (at, verb, argument) =>
      ok(`${at.hook} ${at.connection.id} ${verb} ${argument}`),
    );
    const given = bench.dispatcher().decide('unrecognized_command', bench.scene, 'foo', 'bar');
    assert.deepEqual(given, ok('unrecognized_command 7.1 foo bar'));
  });

  it('carries the value of an answer', async (t) => {
    const bench = new Bench(t).on('mail_pre', () => ({ code: 'OK', value: '<a@b.example>' }));
    const given = await bench.dispatcher().ask('mail_pre', bench.scene, '<>', new Map());
    assert.deepEqual(given, { code: 'OK', value: '<a@b.example>' });
  });

  it('puts the handlers that go first in front', (t) => {
    const bench = new Bench(t).on('noop', () => ok('later')).on('noop', () => ok('first'), { first: true });
    assert.deepEqual(bench.dispatcher().decide('noop', bench.scene, ''), ok('first'));
  });

  it('tells whether a hook has handlers', (t) => {
    const dispatcher = new Bench(t).on('noop', () => declined).dispatcher();
    assert.deepEqual([dispatcher.has('noop'), dispatcher.has('help')], [true, false]);
  });
});

describe('a handler that fails', () => {
  const failures: readonly (readonly [string, () => unknown, RegExp])[] = [
    [
      'throws',
      () => {
        throw new Error('broken');
      },
      /broken at /,
    ],
    [
      'throws a string',
      () => {
        throw 'broken';
      },
      /threw broken/,
    ],
    [
      'throws what cannot be printed',
      () => {
        throw Object.create(null);
      },
      /threw an object/,
    ],
    [
      'throws an error without a stack',
      () => {
        throw Object.assign(new Error('bare'), { stack: 5 });
      },
      /: bare$/,
    ],
    ['rejects', () => Promise.reject(new Error('broken')), /broken/],
    ['rejects with nothing', () => Promise.reject(undefined), /threw undefined/],
    ['gives nothing', () => undefined, /returned undefined where a verdict is due/],
    ['gives nothing later', async () => undefined, /returned undefined/],
    ['gives null', () => null, /returned null/],
    ['gives a number', () => 901, /returned 901/],
    ['gives an Error', () => new Error('here'), /returned Error: here/],
    ['gives what cannot be printed', () => Object.create(null), /returned an object that cannot be shown/],
    ['gives it later', async () => Object.create(null), /returned an object that cannot be shown/],
    [
      'has a then that throws',
      () => ({
        get [THEN]() {
          throw new Error('trap');
        },
      }),
      /trap/,
    ],
    ['gives an unknown code', () => ({ code: 'MAYBE', text: [] }), /\[object Object\]/],
    ['gives no text', () => ({ code: 'DENY' }), /where a verdict is due/],
    ['gives text that is none', () => ({ code: 'DENY', text: [null] }), /where a verdict is due/],
    ['gives text in one piece', () => ({ code: 'DENY', text: 'no' }), /where a verdict is due/],
    [
      'gives a status of its own making',
      () => ({ code: 'DENY', text: [], status: '5.7.1\r\n250 ok' }),
      /verdict/,
    ],
    [
      'gives a reply without code',
      () => ({ code: 'DONE', text: [], reply: { lines: [] } }),
      /verdict is due/,
    ],
    ['answers where nothing was asked', () => ({ code: 'OK', value: 'x' }), /where a verdict is due/],
    ['denies with a value', () => ({ code: 'DENY', value: 'x' }), /where a verdict is due/],
  ];
  for (const [what, run, logged] of failures) {
    it(`${what}: the next one is asked, and the log tells`, async (t) => {
      const bench = new Bench(t).on('noop', run).on('noop', () => ok('next'));
      assert.deepEqual(await bench.dispatcher().decide('noop', bench.scene, ''), ok('next'));
      assert.equal(bench.lines.length, 1);
      const [line = ''] = bench.lines;
      assert.match(line, /^crit 7\.1 \(noop\) p1: error, plugin failed in hook noop \(on_error open\): /);
      assert.match(line, logged);
    });
  }

  it('counts as a refusal for now with on_error defer', (t) => {
    const bench = new Bench(t).on('noop', () => 5, { onError: 'defer' });
    const given = bench.dispatcher().decide('noop', bench.scene, '');
    assert.deepEqual(given, {
      code: 'DENYSOFT',
      text: ['the server has a problem, try again later'],
      status: '4.3.0',
    });
  });

  it('counts as a refusal for good with on_error deny', (t) => {
    const bench = new Bench(t).on('noop', () => 5, { onError: 'deny' });
    const given = bench.dispatcher().decide('noop', bench.scene, '');
    assert.partialDeepStrictEqual(given, { code: 'DENY', status: '5.3.0' });
  });

  it('defers where it may have queued the message, so that no second queue takes it too', (t) => {
    const bench = new Bench(t).on('queue', () => 5).on('queue', () => ok('queued twice'));
    const given = bench.dispatcher().decide('queue', bench.scene);
    assert.partialDeepStrictEqual(given, { code: 'DENYSOFT', status: '4.3.0' });
  });

  it('of a queue hook may be told to be open', (t) => {
    const bench = new Bench(t).on('queue', () => 5, { onError: 'open' }).on('queue', () => ok('queued'));
    assert.deepEqual(bench.dispatcher().decide('queue', bench.scene), ok('queued'));
  });

  for (const [what, value] of [
    ['a single text', 'one line'],
    ['a list of numbers', [1]],
    ['nothing', undefined],
  ] as const) {
    it(`answers config with ${what}: it counts as declined`, (t) => {
      const bench = new Bench(t).on('config', () => ({ code: 'OK', value }));
      assert.equal(bench.dispatcher().ask('config', bench.scene, 'me'), declined);
      assert.match(bench.lines[0] ?? '', /^crit 7\.1 \(config\) p1: error, plugin failed/);
    });
  }

  it('agrees where it was asked for a value: it counts as declined', (t) => {
    const bench = new Bench(t).on('mail_pre', () => ok());
    assert.equal(bench.dispatcher().ask('mail_pre', bench.scene, '<>', new Map()), declined);
  });

  for (const [hook, value] of [
    ['mail_parse', { path: '<>' }],
    ['rcpt_parse', '<>'],
    ['ehlo_parse', {}],
    ['helo_parse', null],
    ['auth_parse', { mechanism: 5 }],
    ['mail_pre', 5],
    ['rcpt_pre', null],
    ['received_line', ['x']],
  ] as const) {
    it(`answers ${hook} with junk: it counts as declined`, async (t) => {
      const bench = new Bench(t).on(hook, () => ({ code: 'OK', value }));
      const dispatcher = bench.dispatcher();
      const given = await (hook === 'mail_pre' || hook === 'rcpt_pre'
        ? dispatcher.ask(hook, bench.scene, '<>', new Map())
        : hook === 'received_line'
          ? dispatcher.ask(hook, bench.scene, { protocol: 'SMTP', connection: bench.client })
          : dispatcher.ask(hook, bench.scene, ''));
      assert.equal(given, declined);
    });
  }
});

describe('a handler that takes its time', () => {
  it('is given up after hook_timeout, and what it gives later is dropped and logged', async (t) => {
    const late = Promise.withResolvers<unknown>();
    const bench = new Bench(t).on('noop', () => late.promise).on('noop', () => ok('next'));
    const given = bench.dispatcher().decide('noop', bench.scene, '');
    bench.pass(59_999);
    bench.lines.splice(0);
    bench.pass(1);
    assert.deepEqual(await given, ok('next'));
    assert.match(bench.lines.splice(0).join('\n'), /^crit .* p1: .*\(on_error open\): no answer within 60 s/);
    late.resolve(deny('too late'));
    await settled();
    assert.deepEqual(bench.lines, [
      'error 7.1 (noop) p1: error, hook noop came to an end after its time was up: the result is dropped',
    ]);
  });

  it('may reject later without harm', async (t) => {
    const late = Promise.withResolvers<unknown>();
    const bench = new Bench(t).on('noop', () => late.promise);
    const given = bench.dispatcher().decide('noop', bench.scene, '');
    bench.pass(60_000);
    assert.equal(await given, declined);
    bench.lines.splice(0);
    late.reject(new Error('late'));
    await settled();
    assert.match(bench.lines.join(), /p1: .* the result is dropped$/);
  });

  it('may never settle: on_error decides', async (t) => {
    const bench = new Bench(t).on('noop', () => new Promise(() => {}), { onError: 'defer', timeoutMs: 2000 });
    const given = bench.dispatcher().decide('noop', bench.scene, '');
    bench.pass(2000);
    assert.partialDeepStrictEqual(await given, { code: 'DENYSOFT' });
  });

  it('has any time with a limit of 0', async (t) => {
    const late = Promise.withResolvers<unknown>();
    const bench = new Bench(t).on('noop', () => late.promise, { timeoutMs: 0 });
    const given = bench.dispatcher().decide('noop', bench.scene, '');
    bench.pass(1e9);
    late.resolve(ok('at last'));
    assert.deepEqual(await given, ok('at last'));
  });

  it('has ten minutes in the queue hook', async (t) => {
    const late = Promise.withResolvers<unknown>();
    const bench = new Bench(t).on('queue', () => late.promise);
    const given = bench.dispatcher().decide('queue', bench.scene);
    bench.pass(599_999);
    late.resolve(ok('queued'));
    assert.deepEqual(await given, ok('queued'));
  });

  it('has its signal aborted, with the reason, and in time none', async (t) => {
    const signals: AbortSignal[] = [];
    const bench = new Bench(t).on('noop', (at) => {
      signals.push(at.signal);
      return new Promise(() => {});
    });
    const given = bench.dispatcher().decide('noop', bench.scene, '');
    const [signal] = signals;
    assert.equal(signal?.aborted, false);
    bench.pass(60_000);
    await given;
    assert.equal(signal?.aborted, true);
    assert.match(String(signal?.reason), /no answer within 60 s/);
  });

  it('finds an aborted signal when it asks after its time', async (t) => {
    const late = Promise.withResolvers<void>();
    const reasons: unknown[] = [];
    const bench = new Bench(t).on('noop', async (at) => {
      await late.promise;
      reasons.push(at.signal.reason);
      return declined;
    });
    const given = bench.dispatcher().decide('noop', bench.scene, '');
    bench.pass(60_000);
    await given;
    late.resolve();
    await settled();
    assert.match(String(reasons[0]), /no answer within 60 s/);
  });

  it('has its signal aborted when the client is lost, before or after it asks', async (t) => {
    const signals: AbortSignal[] = [];
    const bench = new Bench(t).on('noop', (at) => doing(() => signals.push(at.signal), declined));
    const dispatcher = bench.dispatcher();
    dispatcher.decide('noop', bench.scene, '');
    assert.equal(signals[0]?.aborted, false);
    bench.client.lost();
    dispatcher.decide('noop', bench.scene, '');
    assert.deepEqual(
      signals.map((signal) => signal.aborted),
      [true, true],
    );
  });

  it('leaves no listener on the connection', (t) => {
    const bench = new Bench(t).on('noop', (at) => doing(() => at.signal, declined));
    const added = t.mock.method(bench.client.signal, 'addEventListener');
    bench.dispatcher().decide('noop', bench.scene, '');
    assert.equal(added.mock.callCount(), 0);
  });
});

describe('a handler that blocks the event loop', () => {
  it('is named with its time', (t) => {
    const bench = new Bench(t).on('noop', () => declined);
    bench.on('noop', () => doing(() => bench.waste(201), declined)).on('noop', () => declined);
    bench.dispatcher().decide('noop', bench.scene, '');
    assert.deepEqual(bench.lines, [
      'error 7.1 (noop) p2: error, blocked the event loop for 201 ms in hook noop',
    ]);
  });

  it('is not blamed for what the handlers before it took, or the deny hooks in between', async (t) => {
    const bench = new Bench(t);
    const waste = () => bench.waste(150);
    bench
      .on('ok', waste)
      .on('noop', () => doing(waste, declined))
      .on('noop', () => doing(waste, declined));
    bench.dispatcher().decide('noop', bench.scene, '');
    assert.deepEqual(bench.lines, []);
  });

  it('is not blamed for the waiting of the one before', async (t) => {
    const late = Promise.withResolvers<unknown>();
    const bench = new Bench(t).on('noop', () => late.promise).on('noop', () => declined);
    const given = bench.dispatcher().decide('noop', bench.scene, '');
    bench.clock.time += 5000;
    late.resolve(declined);
    await given;
    assert.deepEqual(bench.lines, []);
  });

  it('behind an await is a suspect, while it is under way and when it has just ended', async (t) => {
    const late = Promise.withResolvers<unknown>();
    const bench = new Bench(t).on('noop', () => late.promise);
    const given = bench.dispatcher().decide('noop', bench.scene, '');
    bench.pass(1250);
    late.resolve(declined);
    await given;
    bench.pass(1250);
    bench.pass(1250);
    const line = 'error 7 error, the event loop was blocked for 1000 ms; suspects: p1 (noop)';
    assert.deepEqual(bench.lines, [line, line]);
  });

  it('is forgotten when its time is up, even if it never ends', async (t) => {
    const bench = new Bench(t).on('noop', () => new Promise(() => {}));
    const given = bench.dispatcher().decide('noop', bench.scene, '');
    bench.pass(60_000);
    await given;
    bench.lines.splice(0);
    bench.deadlines.onSweep(() => {});
    bench.pass(10_000);
    assert.deepEqual(bench.lines, []);
  });

  it('is no more looked for by a dispatcher that has retired', (t) => {
    const bench = new Bench(t).on('noop', () => new Promise(() => {}));
    const dispatcher = bench.dispatcher();
    void dispatcher.decide('noop', bench.scene, '');
    dispatcher.retire();
    bench.pass(1250);
    assert.deepEqual(bench.lines, []);
  });

  it('costs one reading of the clock a handler', (t) => {
    const bench = new Bench(t);
    for (let at = 0; at < 30; at++) bench.on('noop', () => declined);
    const dispatcher = bench.dispatcher();
    bench.clock.readings = 0;
    dispatcher.decide('noop', bench.scene, '');
    assert.equal(bench.clock.readings, 31);
  });
});

describe('deny and ok hooks', () => {
  it('run after each verdict, with the plugin, the hook and the verdict', (t) => {
    const told: unknown[][] = [];
    const bench = new Bench(t)
      .on('deny', (_at, ...args) => void told.push(['deny', ...args]))
      .on('ok', (_at, ...args) => void told.push(['ok', ...args]))
      .on('noop', () => declined)
      .on('noop', () => deny('no'));
    bench.dispatcher().decide('noop', bench.scene, '');
    assert.deepEqual(told, [
      ['ok', 'p3', 'noop', declined],
      ['deny', 'p4', 'noop', deny('no')],
    ]);
  });

  it('get a verdict without the value of an answer', (t) => {
    const told: unknown[] = [];
    const bench = new Bench(t)
      .on('ok', (_at, _plugin, _hook, verdict) => void told.push(verdict))
      .on('mail_pre', () => ({ code: 'OK', value: '<>' }));
    bench.dispatcher().ask('mail_pre', bench.scene, '<>', new Map());
    assert.deepEqual(told, [{ code: 'OK', text: [] }]);
  });

  it('that fail do not undo a denial', async (t) => {
    for (const fail of [
      () => {
        throw new Error('broken');
      },
      () => Promise.reject(new Error('broken')),
    ]) {
      const bench = new Bench(t).on('deny', fail).on('noop', () => deny('no'));
      assert.deepEqual(await bench.dispatcher().decide('noop', bench.scene, ''), deny('no'));
      assert.match(bench.lines.join(), /^crit 7\.1 \(deny\) p1: error, plugin failed in hook deny: broken/);
    }
  });

  it('are waited for', async (t) => {
    let isDone = false;
    const bench = new Bench(t)
      .on('deny', async () => {
        await settled();
        isDone = true;
      })
      .on('noop', () => deny('no'));
    await bench.dispatcher().decide('noop', bench.scene, '');
    assert.equal(isDone, true);
  });

  it('are not told of look-ups, which they may make themselves', (t) => {
    const bench = new Bench(t);
    let asked = 0;
    const ask = () => void (asked++ < 5 && dispatcher.ask('config', bench.scene, 'me'));
    bench.on('deny', ask).on('ok', ask);
    bench.on('config', () => ({ code: 'OK', value: ['x'] })).on('noop', () => deny('no'));
    const dispatcher = bench.dispatcher();
    dispatcher.decide('noop', bench.scene, '');
    assert.equal(asked, 1);
  });
});

describe('watching', () => {
  it('runs all handlers, whatever they give or throw', async (t) => {
    const order: number[] = [];
    const bench = new Bench(t)
      .on('disconnect', () => doing(() => order.push(1), deny('whatever')))
      .on('disconnect', () => {
        order.push(2);
        throw new Error('broken');
      })
      .on('disconnect', async () => {
        order.push(3);
        throw new Error('broken too');
      })
      .on('disconnect', () => void order.push(4));
    await bench.dispatcher().watch('disconnect', bench.scene);
    assert.deepEqual(order, [1, 2, 3, 4]);
    assert.equal(bench.lines.length, 2);
  });

  it('gives no promise while no handler does', (t) => {
    const bench = new Bench(t).on('disconnect', () => {});
    assert.equal(bench.dispatcher().watch('disconnect', bench.scene), undefined);
  });

  it('goes on after one that never ends', async (t) => {
    let isRun = false;
    const bench = new Bench(t)
      .on('disconnect', () => new Promise(() => {}))
      .on('disconnect', () => {
        isRun = true;
      });
    const watched = bench.dispatcher().watch('disconnect', bench.scene);
    bench.pass(60_000);
    await watched;
    assert.equal(isRun, true);
  });
});

describe('the record of verdicts', () => {
  it('has what was not declined', (t) => {
    const bench = new Bench(t).on('noop', () => declined).on('noop', () => deny('no'));
    bench.dispatcher().decide('noop', bench.scene, '');
    assert.deepEqual(
      [bench.verdicts.codeOf('p1', 'noop'), bench.verdicts.codeOf('p2', 'noop')],
      [undefined, 'DENY'],
    );
  });
});

describe('the line of a plugin that knows no reject', () => {
  it('turns its denials off', (t) => {
    const override = { mode: 'off', type: null, typeIsGiven: false } as const;
    const bench = new Bench(t).on('noop', () => deny('no'), { override }).on('noop', () => ok('next'));
    assert.deepEqual(bench.dispatcher().decide('noop', bench.scene, ''), ok('next'));
    assert.deepEqual(bench.lines, ['info 7.1 (noop) p1: fail, tolerated, no']);
  });

  it('gives them another type, with text and status', (t) => {
    const override = { mode: 'on', type: 'temp_disconnect', typeIsGiven: true } as const;
    const bench = new Bench(t).on('noop', () => deny('no\nnever', '5.7.1'), { override });
    assert.deepEqual(bench.dispatcher().decide('noop', bench.scene, ''), {
      code: 'DENYSOFT_DISCONNECT',
      text: ['no', 'never'],
      status: '5.7.1',
    });
  });

  it('keeps their kind when it says no type', (t) => {
    const override = { mode: 'on', type: null, typeIsGiven: false } as const;
    const bench = new Bench(t).on('noop', () => ({ code: 'DENYSOFT', text: ['no'] }), { override });
    assert.partialDeepStrictEqual(bench.dispatcher().decide('noop', bench.scene, ''), { code: 'DENYSOFT' });
  });

  it('marks the client for naughty', (t) => {
    const override = { mode: 'naughty', type: 'disconnect', typeIsGiven: true } as const;
    const bench = new Bench(t).on('noop', () => deny('no'), { override });
    assert.equal(bench.dispatcher().decide('noop', bench.scene, ''), declined);
    assert.equal(bench.client.notes.get('naughty'), '(p1) no');
    assert.equal(bench.client.notes.get('naughty_reject_type'), 'disconnect');
  });
});

describe('at debug level', () => {
  it('every verdict is logged', (t) => {
    const bench = new Bench(t, 'debug').on('noop', () => declined).on('noop', () => deny('no'));
    bench.dispatcher().decide('noop', bench.scene, '');
    assert.deepEqual(bench.lines, [
      'debug 7.1 (noop) p1: Plugin p1, hook noop returned DECLINED, ',
      'debug 7.1 (noop) p2: Plugin p2, hook noop returned DENY, no',
    ]);
  });
});

describe('what the core says of a plugin', () => {
  it('has the level of the core, whatever loglevel the line has', (t) => {
    const bench = new Bench(t).on('noop', () => 5, { adjustLevel: () => 'debug' });
    bench.on('noop', () => declined, { adjustLevel: () => 'emerg' });
    bench.dispatcher().decide('noop', bench.scene, '');
    assert.equal(bench.lines.length, 1);
    assert.match(bench.lines[0] ?? '', /^crit 7\.1 \(noop\) p1: error, plugin failed/);
  });
});
