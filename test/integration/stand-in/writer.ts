// A stand-in for the homeserver: commits one number after the other and says each that is acknowledged.
import { openDatabase } from '@carillon/platform/database/postgres-database.ts';
import { takeSingleProcessLock } from '@carillon/platform/database/single-process-lock.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import { runProcess } from '@carillon/platform/supervisor/run-process.ts';

const PAUSE_MS = 5;

await runProcess(async () => {
  const connection = process.env['CARILLON_DATABASE__URL'] ?? '';
  const lock = await takeSingleProcessLock({ connection, onLost: () => process.exit(1) });
  const database = await openDatabase({ connection });
  await database.transaction((tx) => tx.execute(sql`create table if not exists beat (number bigint primary key)`));
  const [row] = await database.query<{ last: number | null }>(sql`select max(number) as last from beat`);
  const writer = database.openBatchWriter();
  let open = true;
  const beating = (async () => {
    for (let number = (row?.last ?? 0) + 1; open; ) {
      try {
        await writer.commit([sql`insert into beat values (${number}) on conflict do nothing`]);
        process.stdout.write(`acknowledged ${number}\n`);
        number += 1;
      } catch {
        // Postgres is away or the outcome is unknown: the same number again.
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  })();
  process.stdout.write(`stand-in ${process.pid} goes on after ${row?.last ?? 0}\n`);
  return {
    async close() {
      open = false;
      await beating;
      await database.close();
      await lock.release();
    },
  };
});
