// The TLS pair of a listener: the operator's files, or one made here and kept in the data folder.
import { readFileSync } from 'node:fs';
import type { Clock } from './clock.ts';
import { loadSecretFile } from './key-file.ts';
import type { Random } from './random.ts';
import { type CertificatePair, makeSelfSigned } from './self-signed.ts';
import { StartFault } from './supervisor/start-fault.ts';

const SELF_SIGNED_VALID_MS = 20 * 365 * 24 * 3_600_000;

/** A file's text; throws a StartFault that names the setting. */
export function readSettingFile(path: string, setting: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new StartFault(`${setting}: ${path} cannot be read: ${reason}`, { cause: error });
  }
}

/** A self-signed pair for `host`, made once for a data folder. */
export function loadSelfSigned(
  folder: string,
  host: string,
  { clock, random }: { clock: Clock; random: Random },
): CertificatePair {
  const text = loadSecretFile(folder, 'federation-tls.json', () =>
    JSON.stringify(makeSelfSigned(host, { fromTs: clock.now(), toTs: clock.now() + SELF_SIGNED_VALID_MS, random })),
  );
  return JSON.parse(text) as CertificatePair;
}
