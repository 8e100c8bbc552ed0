// The contracts of the client API that lie under a room or answer with events: each must be in the table of reads.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoint } from '@carillon/protocol/endpoint.ts';

const FOLDER = join(import.meta.dirname, '../../../protocol/src/client');

/** As the table names them. */
export const nameOf = ({ method, path }: Pick<Endpoint, 'method' | 'path'>): string => `${method} ${path}`;

/** Every contract of clients, by name. */
export async function clientContracts(): Promise<Map<string, Endpoint>> {
  const found = new Map<string, Endpoint>();
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))) {
    const module = (await import(join(FOLDER, file))) as Record<string, unknown>;
    for (const value of Object.values(module)) if (isEndpoint(value)) found.set(nameOf(value), value);
  }
  return found;
}

function isEndpoint(value: unknown): value is Endpoint {
  return typeof value === 'object' && value !== null && 'method' in value && 'path' in value && 'response' in value;
}

/** Whether it could show something of a room: by its path, or by answering with events. */
export function concernsRooms({ path, response }: Endpoint): boolean {
  return (
    /\{room|\/rooms\b|room/i.test(path) || /"event_id"|"origin_server_ts"|"room_id"/.test(JSON.stringify(response))
  );
}
