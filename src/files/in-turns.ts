// Work on many things, a few at a time.

/**
 * Does the work for each item, `width` at a time. After a failure nothing new is begun.
 * @throws the first failure, once all that was begun is over
 */
export async function inTurns<T>(
  items: Iterable<T>,
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  let next = 0;
  const worker = async () => {
    while (next < queue.length) {
      const item = queue[next++] as T;
      try {
        await work(item);
      } catch (error) {
        next = queue.length;
        throw error;
      }
    }
  };
  const workers = Array.from({ length: Math.min(width, queue.length) }, worker);
  for (const outcome of await Promise.allSettled(workers)) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}
