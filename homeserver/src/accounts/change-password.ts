// New passwords, by the owner or by an admin (client-server API, "Password management"; S58).
import type { Database } from '@carillon/platform/database/database.ts';
import type { UserId } from '@carillon/protocol/identifiers.ts';
import { notFound } from '@carillon/protocol/matrix-error.ts';
import { updatePasswordHash } from './account.store.ts';
import { checkNewPassword } from './create-account.ts';
import type { PasswordHasher } from './password-hash.ts';
import { deleteDevices, type SessionDependencies } from './sessions.ts';

export interface ChangePasswordDependencies extends SessionDependencies {
  readonly database: Database;
  readonly hasher: PasswordHasher;
  readonly passwordMinLength: number;
}

export interface NewPassword {
  readonly userId: UserId;
  readonly password: string;
  /** Whether all devices but `keptDeviceId` are logged out. */
  readonly logsOut: boolean;
  readonly keptDeviceId: string | null;
}

/** Throws M_WEAK_PASSWORD, M_INVALID_PARAM, or M_NOT_FOUND for no active account. */
export async function changePassword(
  dependencies: ChangePasswordDependencies,
  { userId, password, logsOut, keptDeviceId }: NewPassword,
): Promise<void> {
  checkNewPassword(password, dependencies.passwordMinLength);
  const passwordHash = await dependencies.hasher.hash(password);
  const changed = await dependencies.database.transaction((tx) => updatePasswordHash(tx, userId, passwordHash));
  if (!changed) throw notFound('No such account');
  if (!logsOut) return;
  await deleteDevices(dependencies, userId, (deviceIds) => deviceIds.filter((deviceId) => deviceId !== keptDeviceId));
}
