/** A picture of each kind of window. Where it says nothing else, all have the same records, of one key. */
import {
  type AggregatedStream,
  calendar,
  collect,
  countWindow,
  cumulating,
  everyCount,
  globalWindow,
  repeatedly,
  type Stream,
  session,
  sliding,
  tumbling,
  type WindowAssigner,
  type WindowOptions,
} from "millrace";
import { type DrawnPane, type Numbered, type Scene, ticks } from "../scene.ts";

export const over =
  (windows: WindowAssigner<Numbered>, options: WindowOptions = {}) =>
  (records: Stream<Numbered>): readonly AggregatedStream<any, Numbered>[] => [
    records
      .keyBy(() => "all")
      .window(windows, options)
      .aggregate(collect((record) => record.n)),
  ];

/** For many panes: what they hold, and no more. */
export const bare = ({ value }: DrawnPane): string =>
  (value as readonly number[]).toSorted((a, b) => a - b).join(" ");
export const listed = (pane: DrawnPane): string => `${pane.kind}: ${bare(pane)}`;

const arrivals = [2, 7, 4, 12, 9, 16, 14, 23, "end"] as const;
const common = {
  axis: { from: -2, to: 32, ticks: ticks(0, 30, 5) },
  watermark: { maxOutOfOrderness: "3s" },
  arrivals,
  label: listed,
} as const;

export const kinds: readonly Scene[] = [
  {
    ...common,
    name: "tumbling",
    title: 'tumbling("10s")',
    description: "Windows of ten seconds, one after the other. Each record is in one of them.",
    windows: over(tumbling("10s")),
  },
  {
    ...common,
    name: "sliding",
    title: 'sliding("10s", "5s")',
    description: "Windows of ten seconds that begin every five. Each record is in two of them.",
    axis: { ...common.axis, from: -6 },
    windows: over(sliding("10s", "5s")),
  },
  {
    ...common,
    name: "cumulating",
    title: 'cumulating("15s", "5s")',
    description:
      "Windows that begin together, at 0 and at 15 seconds, and end every five seconds after that.",
    windows: over(cumulating("15s", "5s")),
  },
  {
    ...common,
    name: "session",
    title: 'session("4s"), allowedLateness: "10s"',
    description: "Sessions with a gap of four seconds. A late record joins two of them that had fired.",
    watermark: "monotone",
    arrivals: [2, 5, 12, 18, 8.5, 26, "end"],
    windows: over(session("4s"), { allowedLateness: "10s" }),
    label: (pane) =>
      listed(pane) +
      (pane.replaces.length === 0
        ? ""
        : `, instead of ${pane.replaces.map(({ start, end }) => `[${start}, ${end})`).join(" ")}`),
  },
  {
    ...common,
    name: "calendar",
    title: 'calendar("day", { zone: "Europe/Berlin" })',
    description: "Days in Berlin when the clocks are set forward: 29 March 2026 has 23 hours.",
    axis: {
      unitMs: 3_600_000,
      zeroMs: Date.UTC(2026, 2, 27, 23),
      from: -10,
      to: 78,
      ticks: [
        { at: 0, label: "Sat 28 March" },
        { at: 24, label: "Sun 29 March" },
        { at: 47, label: "Mon 30 March" },
        { at: 71, label: "Tue" },
      ],
      name: "midnights in Berlin",
    },
    watermark: { maxOutOfOrderness: "2h" },
    arrivals: [8, 23.5, 30, 24.5, 46.5, 47.5, 60, "end"],
    windows: over(calendar("day", { zone: "Europe/Berlin" })),
    label: (pane) => `${pane.end! - pane.start!} hours: ${bare(pane)}`,
  },
  {
    ...common,
    name: "session-gap",
    title: "session((record) => record.gap)",
    description: "Each record says how long after it the session goes on. The greatest end counts.",
    watermark: "monotone",
    arrivals: [
      { at: 1, says: "gap 4" },
      { at: 4, says: "gap 8" },
      { at: 6, says: "gap 2" },
      { at: 11, says: "gap 3" },
      { at: 16, says: "gap 3" },
      { at: 24, says: "gap 3" },
      "end",
    ],
    windows: over(session((record) => `${Number(record.says?.slice(4))}s`)),
  },
  {
    ...common,
    name: "session-max-duration",
    title: 'session("4s", { maxDuration: "10s" })',
    description:
      "Records that never pause: a session is cut ten seconds after its start, and the next record begins another.",
    watermark: "monotone",
    arrivals: [1, 4, 7, 10, 13, 16, 25, "end"],
    windows: over(session("4s", { maxDuration: "10s" })),
  },
  {
    ...common,
    name: "calendar-zones",
    title: 'calendar("day", { zone: (record) => record.zone })',
    description:
      "Records of one key in two zones, each in the day of its zone. The days overlap; each ends by itself.",
    axis: { unitMs: 3_600_000, from: -22, to: 50, ticks: ticks(-12, 48, 12), name: "event time (h, UTC)" },
    watermark: "monotone",
    arrivals: [
      { at: 0, says: "Europe/Berlin" },
      { at: 3, says: "America/New_York" },
      { at: 8, says: "America/New_York" },
      { at: 20, says: "Europe/Berlin" },
      { at: 26, says: "Europe/Berlin" },
      { at: 32, says: "America/New_York" },
      "end",
    ],
    windows: over(calendar("day", { zone: (record) => record.says ?? "UTC" })),
  },
  {
    ...common,
    name: "count",
    title: "countWindow(3)",
    description: "Every three records are a window, in the order of arrival. The last two fill none.",
    windows: over(countWindow(3)),
    label: bare,
  },
  {
    ...common,
    name: "count-sliding",
    title: "countWindow(3, 2)",
    description: "Every two records, a window of the last three. The first is shorter.",
    windows: over(countWindow(3, 2)),
    label: bare,
  },
  {
    ...common,
    name: "global",
    title: "globalWindow(), trigger: repeatedly(everyCount(3))",
    description: "One window that never ends. Every third record fires all that there is.",
    windows: over(globalWindow(), { trigger: repeatedly(everyCount(3)) }),
    label: bare,
  },
  {
    ...common,
    name: "window-over-window",
    title: 'tumbling("5s"), and tumbling("15s") over its results',
    description:
      "The results of five seconds are the records of fifteen. Both windows fire at the same advance of the watermark.",
    windows: (records) => {
      const inner = over(tumbling("5s"))(records)[0];
      const outer = inner
        .keyBy(() => "all")
        .window(tumbling("15s"))
        .aggregate(collect((pane: { value: readonly number[] }) => `(${pane.value.join(" ")})`));
      return [inner, outer];
    },
    label: ({ value }) => (value as readonly unknown[]).join(" "),
  },
];
