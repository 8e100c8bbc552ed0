// The use case of joining a room that is on other servers only (design, flow 4): make_join, our own event, send_join, import.
import type { Pdu } from '@carillon/event-graph/event-format.ts';
import { findRoomVersion, roomVersions } from '@carillon/event-graph/room-version.ts';
import { askTemplate, sendJoin } from '@carillon/federation/ask-rooms.ts';
import { RemoteRefusal } from '@carillon/federation/client.ts';
import type { RoomId, ServerName, UserId } from '@carillon/protocol/identifiers.ts';
import type { JsonObject } from '@carillon/protocol/json.ts';
import { MatrixError, notFound, unknownError, unsupportedRoomVersion } from '@carillon/protocol/matrix-error.ts';
import { buildHandshakeEvent } from './build-handshake-event.ts';
import type { FederatedRooms } from './federated-rooms.ts';
import { importRoom } from './import-room.ts';

export interface RemoteJoin {
  readonly roomId: RoomId;
  readonly userId: UserId;
  /** Profile and reason. */
  readonly content: JsonObject;
  /** Servers that may be in the room, the likeliest first. */
  readonly servers: readonly ServerName[];
}

/** Servers that are tried. */
export const MAX_SERVERS_TRIED = 5;

/** Joins by the first server that lets us. Throws what the last one said, or M_NOT_FOUND where there is none to ask. */
export async function joinRemote(rooms: FederatedRooms, request: RemoteJoin): Promise<void> {
  // What comes in of the room meanwhile waits until the room is there.
  await rooms.remote.intake.run(request.roomId, async () => {
    const room = await rooms.rooms.find(request.roomId);
    if (room?.membershipOf(request.userId) === 'join') return;
    await tryServers(rooms, request.servers, (server) => joinBy(rooms, server, request));
  });
}

/** Does something by the first server with which it works; throws what the last one said. */
export async function tryServers<Result>(
  { serverName, logger }: Pick<FederatedRooms, 'serverName' | 'logger'>,
  servers: readonly ServerName[],
  act: (server: ServerName) => Promise<Result>,
): Promise<Result> {
  const candidates = [...new Set(servers)].filter((server) => server !== serverName).slice(0, MAX_SERVERS_TRIED);
  let fault: unknown = notFound('No server is known that is in this room');
  for (const server of candidates) {
    try {
      return await act(server);
    } catch (error) {
      logger.info({ server, error: String(error) }, 'another server could not help with a membership');
      fault = error;
    }
  }
  throw asMatrixError(fault);
}

/** A refusal of another server in our words: its errcode where it says something to the user. */
function asMatrixError(fault: unknown): MatrixError {
  if (fault instanceof MatrixError) return fault;
  if (fault instanceof RemoteRefusal && fault.status >= 400 && fault.status < 500 && fault.status !== 401) {
    return new MatrixError(fault.status === 404 ? 404 : 403, refusalCode(fault), fault.message);
  }
  const reason = fault instanceof Error ? fault.message : String(fault);
  return unknownError(`The other server could not be asked: ${reason}`, 502);
}

const PASSED_ON = new Set([
  'M_FORBIDDEN',
  'M_NOT_FOUND',
  'M_UNABLE_TO_AUTHORISE_JOIN',
  'M_UNABLE_TO_GRANT_JOIN',
  'M_INCOMPATIBLE_ROOM_VERSION',
]);

function refusalCode({ errcode, status }: RemoteRefusal) {
  if (PASSED_ON.has(errcode)) return errcode as 'M_FORBIDDEN';
  return status === 404 ? 'M_NOT_FOUND' : 'M_FORBIDDEN';
}

async function joinBy(rooms: FederatedRooms, server: ServerName, { roomId, userId, content }: RemoteJoin) {
  const { client, verifyEvent } = rooms.remote;
  const versions = [...roomVersions.keys()];
  const template = await askTemplate(client, server, { handshake: 'join', roomId, userId, versions });
  const version = findRoomVersion(template.roomVersion);
  if (version === undefined) throw unsupportedRoomVersion(`Room version ${template.roomVersion} is not supported here`);
  const parts = { version, roomId, userId, membership: 'join' as const, content, template: template.event };
  const built = buildHandshakeEvent(rooms, parts);
  const joined = await sendJoin(client, server, { roomId, eventId: built.eventId, event: built.json });
  let join: Pdu = built;
  if (built.content['join_authorised_via_users_server'] !== undefined) {
    const signed = await verifyEvent(joined.event ?? undefined, version);
    if (signed.outcome !== 'accepted' || signed.event.eventId !== built.eventId) {
      throw unknownError('The other server did not sign the join that it vouches for', 502);
    }
    join = signed.event;
  }
  await importRoom(rooms, { version, join, state: joined.state, authChain: joined.authChain });
}
