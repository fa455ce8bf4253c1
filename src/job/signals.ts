/** SIGINT and SIGTERM: the first asks the job to stop, a second one ends the process at once. */

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** Jobs of this process that want to be told, all of them at the first signal. */
const listeners = new Set<() => void>();
let asked = false;

function onSignal(signal: NodeJS.Signals): void {
  if (asked) process.exit(SIGNALS[signal as keyof typeof SIGNALS] ?? 1);
  asked = true;
  for (const stop of listeners) stop();
}

/** Calls `stop` at the first signal. The returned function ends that. */
export function onStopSignals(stop: () => void): () => void {
  if (listeners.size === 0) {
    asked = false;
    for (const signal of Object.keys(SIGNALS)) process.on(signal, onSignal);
  }
  listeners.add(stop);
  return () => {
    listeners.delete(stop);
    if (listeners.size === 0) for (const signal of Object.keys(SIGNALS)) process.off(signal, onSignal);
  };
}
