// Findings on how the plugins of a configuration go together. They need no disk: the server tells them at its start, too.

import type { Finding } from '../../config/errors.ts';
import type { Engine } from '../../engine/engine.ts';
import { carriedFindings } from './carried.ts';
import { loggingFindings } from './logging-file.ts';
import { missingHandlerFindings } from './missing-handlers.ts';
import { naughtyFindings } from './naughty-marks.ts';
import { oddWordFindings } from './odd-words.ts';
import { orderFindings } from './plugin-order.ts';

/** For an engine whose every line could be loaded: what is missing would be told as a mistake of its own. */
export function structureFindings(engine: Engine): Finding[] {
  return [
    ...missingHandlerFindings(engine),
    ...oddWordFindings(engine),
    ...orderFindings(engine),
    ...naughtyFindings(engine),
    ...loggingFindings(engine),
    ...carriedFindings(engine),
  ];
}
