// Versions, capabilities, discovery and health.
import { roomVersions } from '@carillon/event-graph/room-version.ts';
import { type Handler, handle, StatusResponse } from '@carillon/platform/http/handle.ts';
import { getCapabilities, getVersions, getWellKnown, isLive, isReady } from '@carillon/protocol/client/server-info.ts';
import { notFound } from '@carillon/protocol/matrix-error.ts';
import type { Readiness } from './readiness.ts';

/** Every version on its own: clients look for exact strings. */
const VERSIONS = Array.from({ length: 19 }, (_, index) => `v1.${index + 1}`);

/** Unstable names that clients look for, of what is served here. */
const UNSTABLE_FEATURES: Readonly<Record<string, boolean>> = {
  'com.beeper.msc4169': true,
  'io.carillon.socket': true,
  'org.matrix.e2e_cross_signing': true,
  'org.matrix.msc2285.stable': true,
  'org.matrix.msc3440.stable': true,
  'org.matrix.msc3771': true,
  'org.matrix.msc3773': true,
  'org.matrix.msc3391': true,
  'org.matrix.msc3814': true,
  'org.matrix.msc3814.v1': true,
  'org.matrix.msc3827.stable': true,
  'org.matrix.msc4222': true,
  'org.matrix.msc4380.stable': true,
  'uk.half-shot.msc2666.query_mutual_rooms': true,
  'uk.half-shot.msc2666.query_mutual_rooms.stable': true,
  'us.cloke.msc4175': true,
  'uk.tcpip.msc4133': true,
  'uk.tcpip.msc4133.stable': true,
};

export interface ServerInfo {
  readonly readiness: Readiness;
  readonly defaultRoomVersion: string;
  /** The base URL for clients, where the operator has given one. */
  readonly publicUrl: string | null;
}

export function serverInfoRoutes({ readiness, defaultRoomVersion, publicUrl }: ServerInfo): Handler[] {
  const capabilities = {
    'm.change_password': { enabled: true },
    'm.room_versions': {
      default: defaultRoomVersion,
      available: Object.fromEntries(Array.from(roomVersions.keys(), (id) => [id, 'stable'])),
    },
    'm.set_displayname': { enabled: true },
    'm.set_avatar_url': { enabled: true },
    'm.3pid_changes': { enabled: false },
    'm.profile_fields': { enabled: true },
    'm.get_login_token': { enabled: true },
    'm.forget_forced_upon_leave': { enabled: false },
  };
  return [
    handle(getVersions, async () => ({ versions: VERSIONS, unstable_features: { ...UNSTABLE_FEATURES } })),
    handle(getCapabilities, async () => ({ capabilities })),
    handle(getWellKnown, async () => {
      if (publicUrl === null) throw notFound('This server has not been told its public address');
      return { 'm.homeserver': { base_url: publicUrl } };
    }),
    handle(isLive, async () => ({ status: 'live' })),
    handle(isReady, async () => {
      const fault = await readiness.check();
      return fault === null ? { status: 'ready' } : new StatusResponse(503, { status: fault });
    }),
  ];
}
