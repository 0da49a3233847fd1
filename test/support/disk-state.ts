// What a disk holds, in memory, and what of it would survive the loss of power: the contents of a file as of its last
// fsync, the entries of a folder as of the folder's. Whatever came later may be there, or not, or in part, and
// changes of entries need not arrive in the order in which they were made. Stricter than any file system in use.

export interface FileNode {
  readonly kind: 'file';
  content: Buffer;
  /** as of the last fsync; null before the first */
  synced: Buffer | null;
  /** milliseconds since 1970 of the last write */
  time: number;
}

export interface FolderNode {
  readonly kind: 'folder';
  readonly entries: Map<string, DiskNode>;
  readonly synced: Map<string, DiskNode>;
}

export type DiskNode = FileNode | FolderNode;

/** Entries that appear or go together; a rename has two. */
export interface Change {
  readonly effects: readonly {
    readonly folder: FolderNode;
    readonly name: string;
    readonly node: DiskNode | null;
  }[];
}

const PAGE = 4096;

export class DiskState {
  readonly root: FolderNode;
  /** changes that are not on disk for sure, in the order in which they were made */
  #pending: Change[];

  constructor(root: FolderNode = newFolder(), pending: readonly Change[] = []) {
    this.root = root;
    this.#pending = [...pending];
  }

  enter(change: Change): void {
    for (const { folder, name, node } of change.effects) setEntry(folder.entries, name, node);
    this.#pending.push(change);
  }

  /** What a fsync of the folder that begins now promises to put on disk. */
  pendingOf(folder: FolderNode): readonly Change[] {
    const wanted = new Set<Change>();
    // From the last to the first: what is wanted brings along whatever came before it under the same names.
    for (const change of this.#pending.toReversed()) {
      const touches = change.effects.some((effect) => effect.folder === folder);
      if (touches || [...wanted].some((later) => shareName(change, later))) wanted.add(change);
    }
    return this.#pending.filter((change) => wanted.has(change));
  }

  settle(changes: readonly Change[]): void {
    const settled = new Set(changes);
    for (const change of this.#pending) {
      if (!settled.has(change)) continue;
      for (const { folder, name, node } of change.effects) setEntry(folder.synced, name, node);
    }
    this.#pending = this.#pending.filter((change) => !settled.has(change));
  }

  /** The same once more, for whoever wants to know later what was there now. */
  copy(): DiskState {
    const made = new Map<DiskNode, DiskNode>();
    const root = copyFolder(this.root, made);
    const pending = this.#pending.map(({ effects }) => ({
      effects: effects.map(({ folder, name, node }) => ({
        folder: copyFolder(folder, made),
        name,
        node: node === null ? null : copyNode(node, made),
      })),
    }));
    return new DiskState(root, pending);
  }

  /** What is there when the power is back; all of it is on disk then. @param survives of what was not synced */
  afterPowerLoss(survives: () => boolean, random: () => number): DiskState {
    const state = this.copy();
    for (const change of state.#pending) {
      if (!survives()) continue;
      for (const { folder, name, node } of change.effects) setEntry(folder.synced, name, node);
    }
    restore(state.root, survives, random, new Set());
    return new DiskState(state.root);
  }
}

export function newFolder(): FolderNode {
  return { kind: 'folder', entries: new Map(), synced: new Map() };
}

function setEntry(entries: Map<string, DiskNode>, name: string, node: DiskNode | null): void {
  if (node === null) entries.delete(name);
  else entries.set(name, node);
}

function shareName(one: Change, other: Change): boolean {
  return one.effects.some(({ folder, name }) =>
    other.effects.some((effect) => effect.folder === folder && effect.name === name),
  );
}

function copyNode(node: DiskNode, made: Map<DiskNode, DiskNode>): DiskNode {
  if (node.kind === 'folder') return copyFolder(node, made);
  const known = made.get(node);
  if (known !== undefined) return known;
  const copy = { ...node };
  made.set(node, copy);
  return copy;
}

function copyFolder(folder: FolderNode, made: Map<DiskNode, DiskNode>): FolderNode {
  const known = made.get(folder);
  if (known?.kind === 'folder') return known;
  const copy = newFolder();
  made.set(folder, copy);
  for (const [name, node] of folder.entries) copy.entries.set(name, copyNode(node, made));
  for (const [name, node] of folder.synced) copy.synced.set(name, copyNode(node, made));
  return copy;
}

function restore(node: DiskNode, survives: () => boolean, random: () => number, seen: Set<DiskNode>): void {
  if (seen.has(node)) return;
  seen.add(node);
  if (node.kind === 'file') {
    if (node.content !== node.synced) node.content = survivingContent(node, survives, random);
    node.synced = node.content;
    return;
  }
  node.entries.clear();
  for (const [name, child] of node.synced) {
    node.entries.set(name, child);
    restore(child, survives, random, seen);
  }
}

/** Nothing new, all of it, its beginning, or all but a page that holds zeros. What was synced before stays. */
function survivingContent(
  { content, synced }: FileNode,
  survives: () => boolean,
  random: () => number,
): Buffer {
  if (!survives()) return synced ?? Buffer.alloc(0);
  const kind = Math.floor(random() * 3);
  if (kind === 0) return content;
  const isAppended = synced !== null && content.subarray(0, synced.length).equals(synced);
  const safe = isAppended ? synced.length : 0;
  const at = safe + Math.floor(random() * (content.length - safe));
  if (kind === 1) return content.subarray(0, at);
  const holed = Buffer.from(content);
  return holed.fill(0, Math.max(safe, at - (at % PAGE)), Math.min(content.length, at - (at % PAGE) + PAGE));
}
