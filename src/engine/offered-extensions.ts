// Which of the core's SMTP extensions are offered: what config/extensions says, and where it says nothing, what
// the queue plugins can carry on.

import type { ConfigStore } from '../config/config-store.ts';
import {
  type ExtensionKeyword,
  type ExtensionSwitches,
  extensionKeywords,
  extensionNeeds,
} from '../config/extensions.ts';
import { carriedExtensions } from '../contract/plugin.ts';
import { remembered } from '../contract/when-ready.ts';
import type { LoadedLine } from './instantiate.ts';

type QueueFacts = Pick<LoadedLine, 'hooks' | 'carries'>;

/** Gives the set anew only when the file has changed: it is asked for with every command. */
export function offeredExtensions(
  store: ConfigStore,
  lines: readonly QueueFacts[],
): () => ReadonlySet<ExtensionKeyword> {
  const promised: readonly ExtensionKeyword[] = carriedExtensions;
  const carried = carriedByAll(lines.filter(({ hooks }) => hooks.includes('queue')));
  const choose = remembered((switches: ExtensionSwitches): ReadonlySet<ExtensionKeyword> => {
    const isOn = (keyword: ExtensionKeyword) =>
      switches.get(keyword) ?? (carried.includes(keyword) || !promised.includes(keyword));
    return new Set(
      extensionKeywords.filter((keyword) => isOn(keyword) && (extensionNeeds[keyword] ?? []).every(isOn)),
    );
  });
  return () => choose(store.value('extensions'));
}

// Any of them may be the one that takes the message. Without one, nobody keeps the promise.
function carriedByAll(queues: readonly QueueFacts[]): readonly ExtensionKeyword[] {
  return carriedExtensions.filter(
    (keyword) => queues.length > 0 && queues.every(({ carries }) => carries.includes(keyword)),
  );
}
