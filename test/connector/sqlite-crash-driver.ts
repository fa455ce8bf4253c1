/**
 * A database on a disk that crashes: SQLite itself, whose image replaces a file at every commit. As SQLite promises, a
 * crash leaves the transaction before or the one after; unlike it, the file can be read while nothing is open. A commit
 * that is not durable is not in use under "exactly-once", and refused.
 */
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Files } from "../../src/core/ports.ts";
import type { Cell, DatabaseDriver } from "../../src/connector/sqlite/database.ts";

export const crashDriver: DatabaseDriver = {
  async open({ files }, path) {
    const db = new DatabaseSync(":memory:");
    const image = await imageAt(files, path);
    if (image !== null) db.deserialize(image);
    return {
      prepare(sql) {
        const statement = db.prepare(sql);
        statement.setReadBigInts(true);
        return {
          run: (...cells) => void statement.run(...cells),
          all: (...cells) => statement.all(...cells) as { [column: string]: Cell }[],
        };
      },
      begin(durable) {
        if (!durable) throw new Error("this database has no commits that are not durable");
        db.exec("BEGIN IMMEDIATE");
      },
      async commit() {
        db.exec("COMMIT");
        await replaceImage(files, path, db.serialize());
      },
      rollback() {
        if (db.isTransaction) db.exec("ROLLBACK");
      },
      close() {
        if (db.isOpen) db.close();
      },
    };
  },
  isBusy: () => false,
};

async function imageAt(files: Files, path: string): Promise<Uint8Array | null> {
  if ((await files.stat(path)) === null) return null;
  const file = await files.openRead(path);
  try {
    const image = new Uint8Array(file.sizeBytes);
    await file.read(image, 0);
    return image;
  } finally {
    await file.close();
  }
}

async function replaceImage(files: Files, path: string, image: Uint8Array): Promise<void> {
  const next = `${path}.next`;
  const file = await files.openWrite(next);
  try {
    await file.write(image);
    await file.sync();
  } finally {
    await file.close();
  }
  await files.rename(next, path);
  await files.syncFolder(dirname(path));
}
