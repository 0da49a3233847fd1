// Config lists come at once unless a config hook has to be waited for. A handler that goes on with them
// through whenReady stays free of promises on the usual way (a promise makes the rest of a chain wait).

import type { Awaitable } from './hooks.ts';

/** `use(value)`, at once where there is nothing to wait for. */
export function whenReady<T, R>(value: Awaitable<T>, use: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(use) : use(value);
}

/** `make`, done again only when it is given another object than the last time: for an index over a list. */
export function remembered<T extends object, R>(make: (from: T) => R): (from: T) => R {
  let last: { readonly from: T; readonly made: R } | null = null;
  return (from) => {
    if (last?.from !== from) last = { from, made: make(from) };
    return last.made;
  };
}
