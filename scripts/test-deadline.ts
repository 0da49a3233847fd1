// Loaded by run-tests.ts into the process of each test file: ends it when the file takes too long. The runner's own
// --test-timeout fails a test but leaves its process be, so that one open socket or an endless loop would hold up
// everything for ever. A thread keeps the time, for it goes on where the main thread no longer does.

import { Worker } from 'node:worker_threads';

const limit = Number(process.env['TEST_FILE_LIMIT']);
const watch = `
  const { writeSync } = require('node:fs');
  setTimeout(() => {
    writeSync(2, 'Not done after ${limit / 1000} s, killed: ' + process.argv.slice(2).join(' ') + '\\n');
    process.kill(process.pid, 'SIGKILL');
  }, ${limit});
`;

// The runner loads this, too, and runs as long as all files together.
if (process.env['NODE_TEST_CONTEXT'] !== undefined && limit > 0) {
  new Worker(watch, { eval: true, execArgv: [], argv: process.argv.slice(1, 2) }).unref();
}
