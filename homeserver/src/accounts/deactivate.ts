// The end of an account (client-server API, "Account deactivation"): its sessions and devices go at once, its name stays
// taken, and a task row tells the rooms feature to make it leave everywhere.
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { deactivatedAccountTable, deactivationTaskTable, erasedDataTable, findAccount } from './account.store.ts';
import type { AccountData } from './account-data.ts';
import { deviceDeletionTable, deviceListTable, listDevices } from './device.store.ts';
import type { Profiles } from './profiles.ts';
import { listSessions } from './session.store.ts';
import { addRevocations, forgetSessions, type SessionDependencies } from './sessions.ts';

export interface DeactivateDependencies extends SessionDependencies {
  readonly profiles: Profiles;
  readonly accountData: AccountData;
  /** Told after the commit, once per user. Must not throw. */
  readonly deactivated: (userId: UserId, erase: boolean) => void;
}

/** Does nothing for an account that is deactivated already, except that a later wish to erase is followed. */
export async function deactivateAccount(
  dependencies: DeactivateDependencies,
  userId: UserId,
  erase: boolean,
): Promise<void> {
  const fields = erase ? Object.keys(await dependencies.profiles.get(userId)) : [];
  for (const key of fields) await dependencies.profiles.set(userId, key, undefined);
  await dependencies.userQueue.run(userId, () => deactivateInTurn(dependencies, userId, erase));
}

async function deactivateInTurn(dependencies: DeactivateDependencies, userId: UserId, erase: boolean): Promise<void> {
  const { database, streamWriter, clock, notifier, flags } = dependencies;
  const account = await findAccount(database, userId);
  if (account === undefined || (account.deactivatedTs !== null && (account.erased || !erase))) return;
  const sessions = await listSessions(database, userId);
  const devices = await listDevices(database, userId);
  const deactivatedTs = account.deactivatedTs ?? clock.now();
  await streamWriter.write({
    lane: userId,
    positions: 1,
    rows: (collector, position) => {
      addRevocations(collector, userId, sessions, clock.now());
      for (const { deviceId } of devices) collector.add(deviceDeletionTable, { userId, deviceId });
      collector.add(deviceListTable, { userId, position });
      collector.add(deactivatedAccountTable, { userId, erase, deactivatedTs });
      collector.add(deactivationTaskTable, { userId, erase, deactivatedTs });
      if (erase) collector.add(erasedDataTable, { userId });
    },
    committed: (position) => {
      flags.keep(userId, { isAdmin: false, locked: false, suspended: false, isGuest: false });
      forgetSessions(dependencies, userId, sessions, clock.now());
      if (erase) dependencies.accountData.forget(userId);
      for (const { deviceId } of devices) notifier.emit({ kind: 'device', position, userId, deviceId });
      dependencies.deactivated(userId, erase);
    },
  });
}
