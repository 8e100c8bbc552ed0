// The use cases of reporting a room, a message or a person to this server's moderators (client-server API, "Reporting Content").
import type { EventId, RoomId, UserId } from '@carillon/protocol/identifiers.ts';
import { invalidParam, limitExceeded, notFound } from '@carillon/protocol/matrix-error.ts';
import type { ClientRooms } from './client-rooms.ts';
import { findVisibleEvent } from './find-visible-event.ts';
import { countReportsBy, insertReport, type Report } from './report.store.ts';

/** Of the text that goes with a report. */
export const MAX_REASON_BYTES = 16_384;
/** Reports of one person that wait for a moderator. */
export const MAX_OPEN_REPORTS = 1_000;
const TOO_MANY_RETRY_MS = 86_400_000;

type Filing = Pick<Report, 'reporter' | 'reason'> & Partial<Pick<Report, 'roomId' | 'eventId' | 'userId'>>;

/** Reports a room, also one that the reporter is not in; whether it exists is not told. Throws M_INVALID_PARAM. */
export async function reportRoom(
  dependencies: ClientRooms,
  { reporter, roomId, reason }: { reporter: UserId; roomId: RoomId; reason: string },
): Promise<void> {
  checkReason(reason);
  if ((await dependencies.rooms.find(roomId)) !== null) await file(dependencies, { reporter, roomId, reason });
}

/** Reports an event that the reporter can see in a room they are in. Throws M_NOT_FOUND for any other. */
export async function reportEvent(
  dependencies: ClientRooms,
  { reporter, roomId, eventId, reason }: { reporter: UserId; roomId: RoomId; eventId: EventId; reason: string },
): Promise<void> {
  checkReason(reason);
  const room = await dependencies.rooms.find(roomId);
  const event =
    room?.membershipOf(reporter) === 'join'
      ? await findVisibleEvent(dependencies, { userId: reporter, roomId, eventId })
      : null;
  if (event === null) throw notFound('There is no such event, or you are not in its room');
  await file(dependencies, { reporter, roomId, eventId, userId: event.sender, reason });
}

/** Reports a person; whether there is such an account is not told. */
export async function reportUser(
  dependencies: ClientRooms,
  { reporter, userId, reason }: { reporter: UserId; userId: UserId; reason: string },
): Promise<void> {
  checkReason(reason);
  if (await dependencies.people.isInUse(userId)) await file(dependencies, { reporter, userId, reason });
}

function checkReason(reason: string): void {
  if (Buffer.byteLength(reason) > MAX_REASON_BYTES) throw invalidParam(`A reason may have ${MAX_REASON_BYTES} bytes`);
}

async function file({ database, clock }: ClientRooms, filing: Filing): Promise<void> {
  if ((await countReportsBy(database, filing.reporter)) >= MAX_OPEN_REPORTS) throw limitExceeded(TOO_MANY_RETRY_MS);
  const report = { roomId: null, eventId: null, userId: null, createdTs: clock.now(), ...filing };
  await database.transaction((transaction) => insertReport(transaction, report));
}
