// Plays every transcript of the tree: test/plugins for plugins, test/session for the protocol.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import packageJson from '../../package.json' with { type: 'json' };
import { bundledPlugins } from '../../plugins/index.ts';
import * as api from '../../src/api.ts';
import { systemClock } from '../../src/cli/assemble.ts';
import { findingText } from '../../src/cli/findings.ts';
import { parseTranscript } from '../../src/cli/transcript/parse.ts';
import { runTranscript } from '../../src/cli/transcript/run.ts';
import { StageError } from '../../src/cli/transcript/stage.ts';

const root = join(import.meta.dirname, '..');
const program = { version: packageJson.version, bundled: bundledPlugins, api };

const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.smtp'),
);
for (const file of files.sort()) {
  const transcript = parseTranscript(readFileSync(join(root, file), 'latin1'));
  test(`${file}: ${transcript.title}`, async () => {
    const lines: string[] = [];
    const play = runTranscript(transcript, { program, clock: systemClock, pluginDirs: [] }, (kind, text) =>
      lines.push(`${kind}: ${text}`),
    );
    const failure = await play.catch((error: unknown) => {
      throw error instanceof StageError ? new Error(error.findings.map(findingText).join('\n')) : error;
    });
    if (failure === null) return;
    assert.fail(`${relative('.', join(root, file))}:${failure.line}: ${failure.text}\n${lines.join('\n')}`);
  });
}
