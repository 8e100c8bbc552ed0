// What a Postgres must be to hold our data: text compares by code point in it, or pages and positions would differ by machine.
import { StartFault } from '../supervisor/start-fault.ts';
import type { Reader } from './database.ts';
import { sql } from './sql.ts';

const OLDEST_VERSION = 150_000;
const BYTE_ORDERED = /^(C|POSIX|C\.UTF-?8)$/i;

interface Facts {
  version: number;
  encoding: string;
  collation: string;
}

/** Rejects with a StartFault if the database is too old, not in UTF-8, or sorts text by a language. */
export async function refuseUnfitDatabase(database: Reader): Promise<void> {
  const [facts] = await database.query<Facts>(sql`
    select current_setting('server_version_num')::int as version, pg_encoding_to_char(encoding) as encoding,
           coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale', datcollate) as collation
    from pg_database d where datname = current_database()`);
  if (!facts) throw new StartFault('The database does not list itself: check database.url.');
  if (facts.version < OLDEST_VERSION) {
    const major = Math.floor(facts.version / 10_000);
    throw new StartFault(`The database is Postgres ${major}; this server needs ${OLDEST_VERSION / 10_000} or newer.`);
  }
  if (facts.encoding === 'UTF8' && BYTE_ORDERED.test(facts.collation)) return;
  throw new StartFault(
    `The database has encoding ${facts.encoding} and collation ${facts.collation}; this server needs UTF8 and C. ` +
      "Make a new one: create database carillon encoding 'UTF8' lc_collate 'C' lc_ctype 'C' template template0;",
  );
}
