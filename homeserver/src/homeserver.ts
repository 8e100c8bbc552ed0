// The composition root: builds the server's parts and opens its doors. What the parts are made of: compose-features.ts.
import { systemClock } from '@carillon/platform/clock.ts';
import { Lifecycle } from '@carillon/platform/lifecycle.ts';
import { composeFeatures, type FeatureOptions } from './compose-features.ts';
import { openDoors } from './open-doors.ts';
import { openFederation } from './open-federation.ts';

export interface HomeserverOptions extends FeatureOptions {
  /** Throws for answers that do not fit their contract: for tests. */
  readonly validateResponses?: boolean;
  /** True where the operator has set `listen.federation`: a port that is taken ends the start then. */
  readonly mustListenForServers?: boolean;
}

export interface Homeserver {
  /** Where clients connect, as `http://host:port`. */
  readonly clientUrl: string;
  /** The path and fragment of the link for the first account; null once there is one. */
  readonly setupLink: string | null;
  close(): Promise<void>;
}

/** Builds everything, serves, and resolves when clients can connect. Rejects with a StartFault for what a person must mend. */
export async function openHomeserver(options: HomeserverOptions): Promise<Homeserver> {
  const { logger } = options;
  const lifecycle = new Lifecycle({ clock: systemClock, logger });
  try {
    const features = await composeFeatures(options, lifecycle);
    const mustListen = options.mustListenForServers ?? false;
    await openFederation({ ...features, config: options.config, lifecycle, mustListen });
    const clientUrl = await openDoors({ ...features, ...options, lifecycle });
    return {
      clientUrl,
      setupLink: await features.accounts.renewSetupLink(),
      close: async () => void (await lifecycle.stop()),
    };
  } catch (error) {
    await lifecycle.stop();
    throw error;
  }
}
