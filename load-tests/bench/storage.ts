// `npm run bench -- storage` (and at the end of `graph`): what a large room takes on disk, table by table, and what writing it takes.
import { systemClock } from '@carillon/platform/clock.ts';
import type { Database } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { Bench } from './bench.ts';
import { figures } from './measure.ts';
import { joinAll, newestBytes, openStorageRoom, rename, talk } from './storage-room.ts';

const EVENTS = 100_000;
const MEMBERS = 5_000;
const EVENT_BYTES = 1_000;
/** Name changes in the full room: what a state change costs there. */
const STATE_CHANGES = 5_000;
/** What the server was built to stay under. */
const AIM_BYTES_AN_EVENT = 2_500;
const AIM_STATE_BYTES_A_CHANGE = 1_000;
/** Tables that keep states rather than events. `membership` is beside them: a row per local member, however often it changes. */
const STATE_TABLES = ['state_nodes', 'state_change'];

interface TableSize {
  readonly name: string;
  /** The rows themselves, with free space and visibility maps. */
  readonly rows: number;
  readonly indexes: number;
  readonly toast: number;
}

type Sizes = ReadonlyMap<string, TableSize>;

export const bench: Bench = {
  name: 'storage',
  about: `bytes on disk of a room of ${EVENTS.toLocaleString('en')} events and ${MEMBERS.toLocaleString('en')} members`,
  run: measureStorage,
};

/** Fills a room through the server's own sending on an embedded Postgres with fsync on, and prints what it takes. */
export async function measureStorage(): Promise<void> {
  const storage = await openStorageRoom();
  try {
    const { database, room } = storage;
    const empty = await settledSizes(database);
    await timed(`${MEMBERS} joins`, MEMBERS - 1, () => joinAll(storage, MEMBERS));
    const joined = await settledSizes(database);
    const messages = EVENTS - MEMBERS - STATE_CHANGES;
    await timed(`${messages} messages`, messages, () =>
      talk(storage, messages, { members: MEMBERS, eventBytes: EVENT_BYTES }),
    );
    const messageBytes = newestBytes(room);
    const talked = await settledSizes(database);
    await timed(`${STATE_CHANGES} state changes`, STATE_CHANGES, () => rename(storage, STATE_CHANGES, MEMBERS));
    const full = await settledSizes(database);
    printTables(empty, full);
    printFigures({ empty, joined, talked, full, messages, messageBytes });
  } finally {
    await storage.close();
  }
}

async function timed(what: string, operations: number, work: () => Promise<void>): Promise<void> {
  const cpuBefore = process.cpuUsage();
  const start = systemClock.monotonic();
  await work();
  const wallMs = systemClock.monotonic() - start;
  const cpu = process.cpuUsage(cpuBefore);
  const each = (cpu.user + cpu.system) / operations;
  console.log(
    `  ${what.padEnd(22)} ${figures(wallMs / 1_000)} s, ${figures((operations / wallMs) * 1_000)}/s, ${figures(each)} µs CPU each in the server (Postgres beside it)`,
  );
}

/** Sizes by table after dead rows are gone, so that they say what stays. */
async function settledSizes(database: Database): Promise<Sizes> {
  await database.query(sql`vacuum analyze`);
  await database.query(sql`checkpoint`);
  const rows = await database.query<{ name: string; rows: number; indexes: number; total: number }>(
    sql`select relname as name, pg_relation_size(oid, 'main') + pg_relation_size(oid, 'fsm') + pg_relation_size(oid, 'vm') as rows,
      pg_indexes_size(oid) as indexes, pg_total_relation_size(oid) as total
      from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`,
  );
  return new Map(
    rows.map(({ name, total, ...size }) => [name, { name, ...size, toast: total - size.rows - size.indexes }]),
  );
}

const total = ({ rows, indexes, toast }: TableSize): number => rows + indexes + toast;

/** How much the named tables, or all, grew. */
function growth(before: Sizes, after: Sizes, names: Iterable<string> = after.keys()): number {
  let bytes = 0;
  for (const name of names) {
    const [old, now] = [before.get(name), after.get(name)];
    bytes += (now === undefined ? 0 : total(now)) - (old === undefined ? 0 : total(old));
  }
  return bytes;
}

function printTables(before: Sizes, after: Sizes): void {
  const grown = [...after.values()]
    .map((size) => ({ ...size, grew: growth(before, after, [size.name]) }))
    .filter(({ grew }) => grew > 0)
    .sort((one, other) => other.grew - one.grew);
  console.log(`\n  on disk, MB        rows  indexes    toast    total   bytes an event`);
  for (const { name, rows, indexes, toast, grew } of grown) {
    const columns = [rows, indexes, toast, grew].map((bytes) => (bytes / 1e6).toFixed(2).padStart(9));
    console.log(`  ${name.padEnd(14)}${columns.join('')}${figures(grew / EVENTS).padStart(17)}`);
  }
}

interface Phases {
  readonly empty: Sizes;
  readonly joined: Sizes;
  readonly talked: Sizes;
  readonly full: Sizes;
  readonly messages: number;
  readonly messageBytes: number;
}

function printFigures({ empty, joined, talked, full, messages, messageBytes }: Phases): void {
  const anEvent = growth(empty, full) / EVENTS;
  const aMessage = growth(joined, talked) / messages;
  const aJoin = growth(empty, joined, STATE_TABLES) / MEMBERS;
  const aChange = growth(talked, full, STATE_TABLES) / STATE_CHANGES;
  console.log(`\n  an event, all tables                    ${bytes(anEvent, AIM_BYTES_AN_EVENT)}`);
  console.log(`  a message of ${messageBytes} signed bytes          ${bytes(aMessage, AIM_BYTES_AN_EVENT)}`);
  console.log(`  state of a join while the room fills    ${bytes(aJoin, AIM_STATE_BYTES_A_CHANGE)}`);
  console.log(`  state of a change in the full room      ${bytes(aChange, AIM_STATE_BYTES_A_CHANGE)}`);
  for (const name of [...STATE_TABLES, 'membership']) {
    console.log(`    ${name.padEnd(38)}${figures(growth(talked, full, [name]) / STATE_CHANGES)} bytes`);
  }
}

function bytes(found: number, aim: number): string {
  return `${figures(found)} bytes (aim: under ${aim.toLocaleString('en')}${found < aim ? '' : ', MISSED'})`;
}
