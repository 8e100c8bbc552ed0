// A stand-in that finds a fault at start, as the homeserver does with a wrong database.
import { runProcess } from '@carillon/platform/supervisor/run-process.ts';
import { StartFault } from '@carillon/platform/supervisor/start-fault.ts';

await runProcess(async () => {
  throw new StartFault('The moon is in the wrong quarter.');
});
