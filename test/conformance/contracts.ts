// Every contract of the client API as a list, for comparing with the spec.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Endpoint } from '@carillon/protocol/endpoint.ts';

const folder = join(import.meta.dirname, '../../protocol/src/client');

export interface NamedContract {
  readonly name: string;
  readonly endpoint: Endpoint;
}

/** All endpoints that the files of protocol/src/client export. */
export async function clientContracts(): Promise<NamedContract[]> {
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  const modules = await Promise.all(
    files.map(async (file) => [file, (await import(join(folder, file))) as Record<string, unknown>] as const),
  );
  return modules.flatMap(([file, exported]) =>
    Object.entries(exported).flatMap(([name, value]) =>
      isEndpoint(value) ? [{ name: `${file} ${name}`, endpoint: value }] : [],
    ),
  );
}

function isEndpoint(value: unknown): value is Endpoint {
  return typeof value === 'object' && value !== null && 'method' in value && 'path' in value && 'auth' in value;
}
