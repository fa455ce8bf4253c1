/** The restart policy: a job that failed for a reason outside itself starts again from its last epoch. */
import { MillraceError } from "../core/errors.ts";
import type { Ports } from "../core/ports.ts";
import type { CheckedOptions } from "./options.ts";

/**
 * Runs `attempt` until it succeeds, fails for a reason that a restart can't mend, or has failed too often in a row.
 *
 * @param stop the job is to end: no further attempt
 * @throws RESTARTS_EXHAUSTED, or what the attempt threw
 */
export async function withRestarts<R>(
  policy: Pick<CheckedOptions, "attempts" | "backoffMs" | "maxBackoffMs" | "resetAfterMs">,
  ports: Ports,
  stop: { isAsked(): boolean; readonly asked: Promise<void> },
  attempt: () => Promise<R>,
): Promise<{ readonly report: R; readonly restarts: number }> {
  const { clock, timers } = ports;
  let restarts = 0;
  for (let failures = 0; ; ) {
    const began = clock.monotonic();
    try {
      return { report: await attempt(), restarts };
    } catch (error) {
      if (stop.isAsked() || policy.attempts === 0 || !canRestart(error)) throw error;
      if (clock.monotonic() - began >= policy.resetAfterMs) failures = 0;
      failures += 1;
      if (failures > policy.attempts) {
        const what = `The job failed ${failures} times in a row, the last time with: ${(error as Error).message.split("\n")[0]}`;
        throw new MillraceError("RESTARTS_EXHAUSTED", what, {}, error);
      }
      restarts += 1;
      const waitMs = Math.min(policy.maxBackoffMs, policy.backoffMs * 2 ** (failures - 1));
      let cancel = (): void => {};
      await Promise.race([
        new Promise<void>((resolve) => (cancel = timers.after(waitMs, resolve))),
        stop.asked,
      ]);
      cancel();
      if (stop.isAsked()) throw error;
    }
  }
}

const canRestart = (error: unknown): boolean =>
  error instanceof MillraceError && (error.recovery === "restart-job" || error.recovery === "restart-task");
