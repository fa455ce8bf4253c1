/** When windows fire, and what becomes of records that come after that. */
import { everyEventTime, everyProcessingTime, onTime, session, tumbling } from "millrace";
import { type Scene, ticks } from "../scene.ts";
import { bare, listed, over } from "./kinds.ts";

const common = {
  axis: { from: -2, to: 32, ticks: ticks(0, 30, 5) },
  watermark: { maxOutOfOrderness: "2s" },
  label: listed,
} as const;

const early = { trigger: onTime({ early: everyEventTime("4s") }), allowedLateness: "8s" } as const;
const arrivals = [1, 4, 7, 9, 12, 15, 8, 18, 23, "end"] as const;

export const firing: readonly Scene[] = [
  {
    ...common,
    name: "early",
    title: 'tumbling("10s"), trigger: onTime({ early: everyEventTime("4s") })',
    description:
      "Early panes at each multiple of four seconds, one on time, and a late one for a record within the allowed lateness. Each holds everything so far.",
    windows: over(tumbling("10s"), early),
    arrivals,
  },
  {
    ...common,
    name: "discarding",
    title: 'The same with panes: "discarding"',
    description: "Each pane holds what came since the one before.",
    windows: over(tumbling("10s"), { ...early, panes: "discarding" }),
    arrivals,
  },
  {
    ...common,
    name: "early-by-the-clock",
    title: 'tumbling("20s"), trigger: onTime({ early: everyProcessingTime("10s") })',
    description: "Every ten seconds of the clock, if something came, a pane of what there is.",
    axis: { from: -2, to: 42, ticks: ticks(0, 40, 10) },
    windows: over(tumbling("20s"), { trigger: onTime({ early: everyProcessingTime("10s") }) }),
    arrivals: [
      { pass: 1 },
      1,
      { pass: 3 },
      6,
      { pass: 8 },
      11,
      { pass: 9 },
      { pass: 9 },
      { pass: 3 },
      15,
      24,
      "end",
    ],
  },
  {
    ...common,
    name: "late",
    title: 'tumbling("10s"), allowedLateness: "5s"',
    description:
      "Behind the watermark, but the window has not fired: it counts. After that, within the allowed lateness: the window fires again. Later: the record goes to the late stream.",
    windows: over(tumbling("10s"), { allowedLateness: "5s" }),
    arrivals: [2, 7, 11, 8, 13, 6, 18, 5, 23, "end"],
  },
  {
    ...common,
    name: "final-only",
    title: 'tumbling("10s"), allowedLateness: "5s", finalOnly: true',
    description:
      "The same records. Each window fires once, when the watermark is at its end and the lateness.",
    windows: over(tumbling("10s"), { allowedLateness: "5s", finalOnly: true }),
    arrivals: [2, 7, 11, 8, 13, 6, 18, 5, 23, "end"],
  },
  {
    ...common,
    name: "changelog",
    title: 'session("4s"), allowedLateness: "10s", then changelog()',
    description:
      "A late record makes a session longer, another one joins it with the next. What was sent of them before is taken back.",
    watermark: "monotone",
    arrivals: [2, 5, 14, 19, 8.5, 11, 26, "end"],
    windows: (records) =>
      over(session("4s"), { allowedLateness: "10s" })(records).map((panes) => panes.changelog()),
    label: (pane) => `${pane.op}: ${bare(pane)}`,
  },
  {
    ...common,
    name: "throttle",
    title: 'tumbling("10s"), allowedLateness: "1h", then throttle("10s")',
    description:
      "Late records come in quick succession. The window's newest pane goes out once in ten seconds of the clock.",
    watermark: "monotone",
    arrivals: [
      2,
      7,
      12,
      { pass: 3 },
      3,
      { pass: 2 },
      4,
      { pass: 2 },
      5,
      { pass: 3 },
      { pass: 4 },
      6,
      { pass: 6 },
      24,
      "end",
    ],
    windows: (records) =>
      over(tumbling("10s"), { allowedLateness: "1h" })(records).map((panes) => panes.throttle("10s")),
  },
];
