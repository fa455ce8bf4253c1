/** The facts of the machine without which a time says little. */
import { availableParallelism, cpus, loadavg, platform, release, totalmem } from "node:os";

export interface Machine {
  readonly cpu: string;
  readonly cpus: number;
  readonly memoryGb: number;
  readonly os: string;
  readonly node: string;
  readonly v8: string;
  /** Load average over the last minute when the benchmarks began: above 0, others worked too. */
  readonly load: number;
  readonly date: string;
}

export function machineFacts(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cpus: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    os: `${platform()} ${release()}`,
    node: process.version,
    v8: process.versions.v8,
    load: Math.round(loadavg()[0] * 100) / 100,
    date: new Date().toISOString(),
  };
}
