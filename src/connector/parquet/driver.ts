/** The packages that read Parquet, loaded when a job needs them. */
import { MillraceError } from "../../core/errors.ts";

export type Hyparquet = typeof import("hyparquet");

export interface ParquetDriver {
  readonly hyparquet: Hyparquet;
  readonly compressors: typeof import("hyparquet-compressors")["compressors"];
}

async function importDriver(): Promise<ParquetDriver> {
  const [hyparquet, { compressors }] = await Promise.all([
    import("hyparquet"),
    import("hyparquet-compressors"),
  ]);
  return { hyparquet, compressors };
}

/** @throws DRIVER_MISSING naming both packages; `load` stands in for the import in tests */
export async function loadDriver(load: () => Promise<ParquetDriver> = importDriver): Promise<ParquetDriver> {
  try {
    return await load();
  } catch (cause) {
    throw new MillraceError(
      "DRIVER_MISSING",
      "parquet() needs the packages hyparquet and hyparquet-compressors: npm install hyparquet hyparquet-compressors",
      {},
      cause,
    );
  }
}
