// A configuration in a temporary folder, loaded as check-config loads it, and given to single checks.

import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bundledPlugins } from '../../../plugins/index.ts';
import * as api from '../../../src/api.ts';
import { loadEngine, makeWorld, systemClock } from '../../../src/cli/assemble.ts';
import type { CheckContext } from '../../../src/cli/check/context.ts';
import { ConfigDirs } from '../../../src/config/config-dir.ts';
import { ConfigStore } from '../../../src/config/config-store.ts';
import type { Finding } from '../../../src/config/errors.ts';
import { Deadlines } from '../../../src/engine/deadlines.ts';
import { makeDiskLoader } from '../../../src/engine/disk-loader.ts';
import { Log } from '../../../src/log/log.ts';
import { StderrWriter } from '../../../src/log/stderr-writer.ts';
import { cleanUp } from '../../support/cleanup.ts';

export type Files = Readonly<Record<string, string>>;

const program = { version: '1', bundled: bundledPlugins, api };

/** A folder that every user of the host can look into. @param files by name, with @DIR@ for the folder */
export function tempFolder(files: Files = {}): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'qpsmtpd-test-')));
  chmodSync(dir, 0o755);
  cleanUp(() => rmSync(dir, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    const path = join(dir, name);
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    writeFileSync(path, text.replaceAll('@DIR@', dir), { mode: 0o644 });
  }
  return dir;
}

interface Given {
  readonly env?: NodeJS.ProcessEnv;
  readonly overrides?: Readonly<Record<string, string>>;
  readonly user?: CheckContext['user'];
  readonly now?: Date;
}

/** What the user that runs the tests would serve as. */
export const OWN_USER: CheckContext['user'] = {
  name: 'tester',
  uid: process.getuid?.() ?? 0,
  gids: [process.getgid?.() ?? 0],
  isOfItsOwn: false,
};

/** @param files of the folder `etc`, or by path below the folder where they begin with a dot: `./own/x.ts` */
export async function contextOf(
  files: Files,
  { env = {}, overrides = {}, user = OWN_USER, now = new Date() }: Given = {},
): Promise<CheckContext & { readonly dir: string; readonly findings: readonly Finding[] }> {
  const placed = Object.entries(files).map(([name, text]) => [
    name.startsWith('./') ? name.slice(2) : `etc/${name}`,
    text,
  ]);
  const dir = tempFolder(Object.fromEntries(placed));
  const log = new Log(1, systemClock.now, { upTo: 'emerg', write: () => {} });
  const store = new ConfigStore({
    dirs: new ConfigDirs([join(dir, 'etc')]),
    clock: systemClock,
    report: () => {},
    hostname: 'mx.example',
    home: dir,
    overrides,
  });
  const world = makeWorld(program, systemClock, env, new StderrWriter());
  const deadlines = new Deadlines(systemClock);
  const loader = makeDiskLoader(program.api);
  const { engine, findings } = await loadEngine(program, { store, world, log, deadlines, loader });
  deadlines.stop();
  return { store, engine, user, now, dir, findings };
}

/** `severity CODE text` of each. */
export function texts(findings: readonly Finding[]): string[] {
  return findings.map(({ severity, code, text }) => `${severity} ${code} ${text}`);
}
