/** Two failed logins of one user within a minute, told once: state and a timer of one's own. */
import assert from "node:assert/strict";
import { forEach, fromIterable, output, pipeline, valueState } from "millrace";

const seconds = (n: number) => n * 1000;
const logins = [
  { user: "ada", ok: false, at: seconds(0) },
  { user: "bob", ok: false, at: seconds(5) },
  { user: "ada", ok: false, at: seconds(50) }, // the second within a minute
  { user: "eve", ok: true, at: seconds(68) }, // time moves on for everybody
  { user: "bob", ok: false, at: seconds(70) }, // the first was forgotten at 65 s
  { user: "ada", ok: true, at: seconds(75) },
];

const alarms: string[] = [];
const app = pipeline("logins");
app
  .source(fromIterable(logins), { timestamp: (login) => login.at })
  .filter((login) => !login.ok)
  .keyBy((login) => login.user)
  .process({
    state: { failures: valueState<number>({ initial: () => 0 }) },
    emits: output<string>(),
    onRecord(login, { key, state, timers, emit }) {
      const failures = state.failures.get() + 1;
      state.failures.set(failures);
      if (failures === 1) timers.setEventTime("forget", login.at + seconds(60));
      if (failures === 2) emit(`${key}: two failed logins by ${login.at / 1000} s`);
    },
    onTimer(_timer, { state }) {
      state.failures.clear();
    },
  })
  .to(forEach((alarm) => void alarms.push(alarm)));
await app.run();

assert.deepEqual(alarms, ["ada: two failed logins by 50 s"]);
