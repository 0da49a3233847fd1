// A value that may be there at once: handlers that need not wait give no promise.

export type Awaitable<T> = T | Promise<T>;
