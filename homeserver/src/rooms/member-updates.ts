// Brings changed profiles into the member events of all joined rooms, and takes deactivated users out of theirs: in the
// background, in the order of the changes, and on after a restart where it stopped.
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { MatrixError } from '@carillon/protocol/matrix-error.ts';
import { listProfileChanges } from '../accounts/profile.store.ts';
import { leaveRoom } from './change-membership.ts';
import { changeRoom } from './change-room.ts';
import type { ClientRooms, MemberProfile } from './client-rooms.ts';
import { findMemberUpdatesPosition, saveMemberUpdatesPosition } from './member-update.store.ts';
import { listMemberships, type RoomMembership } from './membership.store.ts';
import { membershipOf } from './membership.ts';
import { visibleContent } from './read-state.ts';

/** Profile changes read at once. */
const CHANGES_PER_ROUND = 200;
const TASKS_PER_ROUND = 20;
/** Rooms of one user that are changed at once. */
const PARALLEL_ROOMS = 8;
const RETRY_DELAY_MS = 5_000;
const MEMBER_KEYS: ReadonlySet<string> = new Set(['displayname', 'avatar_url']);
const TO_LEAVE: ReadonlySet<string> = new Set(['join', 'invite', 'knock']);

/** What the accounts tell of users who are gone. */
export interface DeactivationTasks {
  listDeactivationTasks(limit: number): Promise<{ userId: UserId }[]>;
  finishDeactivationTask(userId: UserId): Promise<void>;
  onDeactivated(listener: () => void): void;
}

export class MemberUpdates {
  readonly #rooms: ClientRooms;
  readonly #deactivations: DeactivationTasks;
  #running: Promise<void> | null = null;
  #isAskedAgain = false;
  #isClosed = false;
  #retry: { cancel(): void } | null = null;

  constructor(rooms: ClientRooms, deactivations: DeactivationTasks) {
    this.#rooms = rooms;
    this.#deactivations = deactivations;
  }

  /** Goes on where the last run stopped, and listens. */
  start(): void {
    this.#rooms.notifier.on('profile', (change) => {
      if (MEMBER_KEYS.has(change.key)) this.#ask();
    });
    this.#deactivations.onDeactivated(() => this.#ask());
    this.#ask();
  }

  /** Resolves when all that was known is in the rooms. */
  async settled(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#retry?.cancel();
    await this.settled();
  }

  #ask(): void {
    this.#isAskedAgain = true;
    if (this.#running !== null || this.#isClosed) return;
    this.#retry?.cancel();
    this.#running = this.#run().finally(() => {
      this.#running = null;
    });
  }

  async #run(): Promise<void> {
    try {
      while (this.#isAskedAgain && !this.#isClosed) {
        this.#isAskedAgain = false;
        await this.#spreadProfiles();
        await this.#leaveRooms();
      }
    } catch (error) {
      this.#rooms.logger.warn({ error: String(error) }, 'member events could not be updated; trying again');
      if (!this.#isClosed) this.#retry = this.#rooms.clock.setTimeout(() => this.#ask(), RETRY_DELAY_MS);
    }
  }

  async #spreadProfiles(): Promise<void> {
    const { database, streamWriter } = this.#rooms;
    let since = await findMemberUpdatesPosition(database);
    while (!this.#isClosed) {
      const range = { since, upTo: streamWriter.position, limit: CHANGES_PER_ROUND };
      const changes = await listProfileChanges(database, range);
      const newest = changes.at(-1);
      if (newest === undefined) return;
      const users = new Set(changes.filter((change) => MEMBER_KEYS.has(change.key)).map((change) => change.userId));
      for (const userId of users) await this.#spreadProfile(userId);
      if (this.#isClosed) return;
      since = newest.position;
      await database.transaction((transaction) => saveMemberUpdatesPosition(transaction, newest.position));
    }
  }

  async #spreadProfile(userId: UserId): Promise<void> {
    const profile = await this.#rooms.people.findProfile(userId);
    await this.#inRooms(userId, new Set(['join']), (row) => updateMember(this.#rooms, { userId, profile, row }));
  }

  async #leaveRooms(): Promise<void> {
    while (!this.#isClosed) {
      const tasks = await this.#deactivations.listDeactivationTasks(TASKS_PER_ROUND);
      for (const { userId } of tasks) {
        await this.#inRooms(userId, TO_LEAVE, (row) => leaveRoom(this.#rooms, { roomId: row.roomId, sender: userId }));
        if (this.#isClosed) return;
        await this.#deactivations.finishDeactivationTask(userId);
      }
      if (tasks.length < TASKS_PER_ROUND) return;
    }
  }

  /** Runs `work` for the user's rooms, a few at once; a room that refuses is left as it is. */
  async #inRooms(
    userId: UserId,
    memberships: ReadonlySet<string>,
    work: (row: RoomMembership) => Promise<unknown>,
  ): Promise<void> {
    const rows = (await listMemberships(this.#rooms.database, userId)).filter((row) => memberships.has(row.membership));
    for (let start = 0; start < rows.length && !this.#isClosed; start += PARALLEL_ROOMS) {
      const some = rows.slice(start, start + PARALLEL_ROOMS).map(async (row) => {
        try {
          await work(row);
        } catch (error) {
          if (!(error instanceof MatrixError)) throw error;
          this.#rooms.logger.info({ roomId: row.roomId, error: error.message }, 'a member event was refused');
        }
      });
      await Promise.all(some);
    }
  }
}

/** One room's member event says what the profile says; nothing where it does already. */
function updateMember(
  rooms: ClientRooms,
  { userId, profile, row }: { userId: UserId; profile: MemberProfile; row: RoomMembership },
): Promise<unknown> {
  return changeRoom(rooms, row.roomId, (room) => {
    const member = room.state.get('m.room.member', userId);
    if (member === undefined || membershipOf(member) !== 'join') return null;
    const { displayname, avatar_url, reason, join_authorised_via_users_server, ...rest } = visibleContent(member);
    if (displayname === profile.displayname && avatar_url === profile.avatar_url) return null;
    return { type: 'm.room.member', stateKey: userId, sender: userId, content: { ...rest, ...profile } };
  });
}
