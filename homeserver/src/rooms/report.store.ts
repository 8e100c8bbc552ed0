// What people report to the moderators of this server.
import type { Reader, Transaction } from '@carillon/platform/database/database.ts';
import { sql } from '@carillon/platform/database/sql.ts';
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';

export interface Report {
  readonly reporter: UserId;
  readonly createdTs: number;
  readonly roomId: RoomId | null;
  readonly eventId: EventId | null;
  readonly userId: UserId | null;
  readonly reason: string;
}

export async function insertReport(transaction: Transaction, report: Report): Promise<void> {
  await transaction.execute(sql`
    insert into report (reporter, created_ts, room_id, event_id, user_id, reason)
    values (${report.reporter}, ${report.createdTs}, ${report.roomId}, ${report.eventId}, ${report.userId},
      ${Buffer.from(report.reason)})`);
}

/** How many open reports a user has made. */
export async function countReportsBy(database: Reader, reporter: UserId): Promise<number> {
  const rows = await database.query<{ count: number }>(
    sql`select count(*)::integer as count from report where reporter = ${reporter}`,
  );
  return rows[0]?.count ?? 0;
}

export interface ListedReport extends Report {
  readonly reportId: number;
}

/** The newest reports, newest first; `before` is exclusive. */
export async function listReports(
  database: Reader,
  { before, limit }: { before: number; limit: number },
): Promise<ListedReport[]> {
  const rows = await database.query<Omit<ListedReport, 'reason'> & { reason: Buffer }>(sql`
    select report_id as "reportId", reporter, created_ts as "createdTs", room_id as "roomId", event_id as "eventId",
      user_id as "userId", reason
    from report where report_id < ${before} order by report_id desc limit ${limit}`);
  return rows.map((row) => ({ ...row, reason: row.reason.toString() }));
}
