/** Words that start one of our programs with the Node of this process, as tools/node does. The program's path follows. */
export const nodeCommand = [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  '--require',
  new URL('../tools/compile-cache.cts', import.meta.url).pathname,
] as const
