// What guests may call (client-server API, "Guest Access"): all else is for people with accounts.
import { MatrixError } from '@carillon/protocol/matrix-error.ts';

const V1 = '/_matrix/client/v1';
const V3 = '/_matrix/client/v3';

const ALLOWED: ReadonlySet<string> = new Set([
  `GET ${V3}/rooms/{roomId}/state`,
  `GET ${V3}/rooms/{roomId}/state/{eventType}/{stateKey}`,
  `GET ${V3}/rooms/{roomId}/context/{eventId}`,
  `GET ${V3}/rooms/{roomId}/event/{eventId}`,
  `GET ${V3}/rooms/{roomId}/messages`,
  `GET ${V3}/rooms/{roomId}/members`,
  `GET ${V3}/rooms/{roomId}/initialSync`,
  `GET ${V3}/sync`,
  `GET ${V3}/events`,
  `GET ${V1}/media/download/{serverName}/{mediaId}`,
  `GET ${V1}/media/download/{serverName}/{mediaId}/{fileName}`,
  `GET ${V1}/media/thumbnail/{serverName}/{mediaId}`,
  `POST ${V3}/rooms/{roomId}/join`,
  `POST ${V3}/join/{roomIdOrAlias}`,
  `POST ${V3}/rooms/{roomId}/leave`,
  `PUT ${V3}/rooms/{roomId}/send/{eventType}/{txnId}`,
  `PUT ${V3}/rooms/{roomId}/state/{eventType}/{stateKey}`,
  `PUT ${V3}/sendToDevice/{eventType}/{txnId}`,
  `GET ${V3}/devices`,
  `GET ${V3}/devices/{deviceId}`,
  `PUT ${V3}/devices/{deviceId}`,
  `GET ${V3}/account/whoami`,
  `POST ${V3}/keys/upload`,
  `POST ${V3}/keys/query`,
  `POST ${V3}/keys/claim`,
  // Not in the list, but of no use to anybody else: ending the session, and what is told to all anyway.
  `POST ${V3}/logout`,
  `POST ${V3}/logout/all`,
  `GET ${V3}/capabilities`,
  `GET ${V3}/publicRooms`,
  `GET ${V1}/room_summary/{roomIdOrAlias}`,
  `GET ${V3}/directory/room/{roomAlias}`,
  `POST ${V3}/user/{userId}/filter`,
  `GET ${V3}/user/{userId}/filter/{filterId}`,
  `GET ${V3}/profile/{userId}`,
  `GET ${V3}/profile/{userId}/{keyName}`,
  // The display name alone: profile.routes.ts looks at the key.
  `PUT ${V3}/profile/{userId}/{keyName}`,
  `DELETE ${V3}/profile/{userId}/{keyName}`,
]);

/** Throws M_GUEST_ACCESS_FORBIDDEN for what guests may not call. */
export function checkGuestMay({ method, path }: { readonly method: string; readonly path: string }): void {
  if (!ALLOWED.has(`${method} ${path}`)) refuseGuest();
}

/** Throws M_GUEST_ACCESS_FORBIDDEN. */
export function refuseGuest(): never {
  throw new MatrixError(403, 'M_GUEST_ACCESS_FORBIDDEN', 'Guests may not do this: make an account first');
}

/** Guests may change their display name, nothing else of their profile. */
export function checkGuestMayChange(key: string): void {
  if (key === 'displayname') return;
  throw new MatrixError(403, 'M_GUEST_ACCESS_FORBIDDEN', 'Guests may change their display name only');
}
