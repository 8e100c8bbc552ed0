// SRV records as the system's name servers tell them.
import { resolveSrv } from 'node:dns/promises';

export interface SrvAnswer {
  readonly host: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** The records of a name; empty where there are none. Rejects when no name server answers. */
export async function listSrvRecords(name: string): Promise<SrvAnswer[]> {
  try {
    const records = await resolveSrv(name);
    return records.map(({ name: host, port, priority, weight }) => ({ host, port, priority, weight }));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENODATA' || code === 'ENOTFOUND') return [];
    throw error;
  }
}
