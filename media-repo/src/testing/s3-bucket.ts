// An S3 service on this machine, with one bucket in a temporary folder.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface S3rver {
  run(): Promise<{ port: number }>;
  close(): Promise<void>;
}

interface S3rverOptions {
  readonly address: string;
  readonly port: number;
  readonly directory: string;
  readonly silent: boolean;
  readonly configureBuckets: readonly { readonly name: string }[];
}

export const BUCKET = 'bucket';

/** Starts it on a free port. */
export async function startS3Bucket() {
  // It is CommonJS without types; this is the part of it that is used.
  const Server = createRequire(import.meta.url)('s3rver') as new (options: S3rverOptions) => S3rver;
  const directory = mkdtempSync(join(tmpdir(), 'carillon-s3-'));
  const buckets = [{ name: BUCKET }];
  const server = new Server({ address: '127.0.0.1', port: 0, directory, silent: true, configureBuckets: buckets });
  const { port } = await server.run();
  return {
    url: `http://127.0.0.1:${port}`,
    /** The keys' files. */
    objects: () =>
      readdirSync(join(directory, BUCKET), { recursive: true, encoding: 'utf8' }).filter((name) =>
        name.endsWith('_object'),
      ),
    async close() {
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
