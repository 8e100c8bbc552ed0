// What rooms do in the background, put together.

import type { AccountData } from '../accounts/account-data.ts';
import { moveRoomData } from '../accounts/move-room-data.ts';
import type { ClientRooms } from './client-rooms.ts';
import { type DeactivationTasks, MemberUpdates } from './member-updates.ts';
import { RoomUpkeep } from './room-upkeep.ts';

export interface RoomTasks {
  readonly memberUpdates: MemberUpdates;
  readonly upkeep: RoomUpkeep;
  /** Goes on with what the last run left undone, and starts the timers. */
  start(): void;
  close(): Promise<void>;
}

/** The background work of rooms; adds its contributor to `rooms` at once. */
export function createRoomTasks(
  rooms: ClientRooms,
  deactivations: DeactivationTasks & { readonly accountData: AccountData },
): RoomTasks {
  rooms.moves.push((userId, move) => moveRoomData(deactivations.accountData, userId, move));
  const memberUpdates = new MemberUpdates(rooms, deactivations);
  const upkeep = new RoomUpkeep(rooms);
  rooms.contributors.push(upkeep.contributor);
  return {
    memberUpdates,
    upkeep,
    start() {
      memberUpdates.start();
      upkeep.start();
    },
    async close() {
      await Promise.all([memberUpdates.close(), upkeep.close()]);
    },
  };
}
