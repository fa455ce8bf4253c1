/** Waits for what another part of the process brings about. */
import assert from "node:assert/strict";

/** Looks once a millisecond, 5,000 times at the most. */
export async function until(is: () => boolean): Promise<void> {
  for (let tries = 0; !is(); tries++) {
    assert.ok(tries < 5000, "it never comes");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
