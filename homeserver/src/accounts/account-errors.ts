// Refusals that only accounts make.
import { forbidden, MatrixError } from '@carillon/protocol/matrix-error.ts';

/** The account is locked: the session is kept, but useless until it is unlocked (client-server API, "Account locking"). */
export const userLocked = () =>
  new MatrixError(401, 'M_USER_LOCKED', 'This account has been locked', { soft_logout: true });

export const userSuspended = () =>
  new MatrixError(403, 'M_USER_SUSPENDED', 'You cannot do this while your account is suspended');

export const unknownDevice = () => new MatrixError(400, 'M_UNKNOWN_DEVICE', 'The user has no device with that ID');

/** One sentence for every failure, so that it does not tell which accounts exist. */
export const wrongPassword = () => forbidden('Wrong user name or password');
